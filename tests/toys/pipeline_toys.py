"""All toys under the one name by which tests ask for them: `--model pipeline_toys:ToyModel`, `--metrics …:Speed`."""

from toy_makers import ToyEvaluator as ToyEvaluator
from toy_makers import ToyExtractor as ToyExtractor
from toy_makers import ToyEyes as ToyEyes
from toy_metrics import Astray as Astray
from toy_metrics import ClipColour as ClipColour
from toy_metrics import Deed as Deed
from toy_metrics import Gap as Gap
from toy_metrics import Grip as Grip
from toy_metrics import MeanColour as MeanColour
from toy_metrics import Raising as Raising
from toy_metrics import Speed as Speed
from toy_models import Shuffled as Shuffled
from toy_models import ToyModel as ToyModel
from toy_models import raise_on_replace as raise_on_replace
from toy_splits import FACTS as FACTS
from toy_splits import make_split as make_split
from toy_splits import offsets as offsets
from toy_splits import picture as picture
from toy_splits import walk as walk

METRICS = "pipeline_toys:Speed,pipeline_toys:Gap,pipeline_toys:MeanColour"
