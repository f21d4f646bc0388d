"""Every code that a finding can have, with its severity, its usual cause and its fix.

docs/submission-errors.md is made from this table (`error_page`), and a test compares them.
"""

from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Code(NamedTuple):
    """The meaning of a code."""

    severity: Severity
    """A submission with an error is not scored; one with a warning is."""
    cause: str
    """The usual cause."""
    fix: str
    """What would be right."""


def _error(cause: str, fix: str) -> Code:
    return Code("error", cause, fix)


def _warning(cause: str, fix: str) -> Code:
    return Code("warning", cause, fix)


FOLDER = {
    "folder-missing": _error("the path is mistyped, or is a file", "give the folder that holds submission.toml"),
    "folder-archive": _error("an archive was given instead of a folder", "unpack it and give the folder"),
    "folder-unreadable": _error("permissions keep the folder from being listed", "make it readable: chmod -R u+rX"),
    "too-many-files": _error(
        "a folder that is no submission, or has far more files than the split's samples need",
        "leave only submission.toml and one folder per clip",
    ),
    "link": _error(
        "a symbolic link; links are never followed, since they may lead out of the folder",
        "put the file itself there: cp -L",
    ),
    "special-file": _error("a pipe, socket or device, which is never opened", "put a regular file there"),
    "archive": _error("samples were packed inside the folder; archives are not opened", "unpack it and remove it"),
    "name-unsafe": _error(
        "control characters, backslashes or bytes that are not UTF-8 in a name, as archives of other systems leave",
        "rename it with letters, digits and . _ + -",
    ),
    "file-unreadable": _error("permissions, or the disk", "make it readable: chmod u+r"),
    "file-too-large": _error(
        "far larger than a sample of this split can be: other content, or made to exhaust memory",
        "write only the arrays and frames that the format names",
    ),
    "file-name": _error(
        "a name that is nearly right; some systems ignore case or hide suffixes",
        "rename it to the name that is suggested",
    ),
    "file-unexpected": _warning("a file that the format does not know; it is not read", "remove it"),
}
TOML = {
    "toml-missing": _error("no submission.toml in the folder", "write one: `egobench check --example DIR` shows it"),
    "toml-unreadable": _error("not TOML, not UTF-8, or over 64 KiB", "mend it as the message says"),
    "toml-key-unknown": _error("a misspelt key, or one of a newer version", "use the keys of docs/submissions.md"),
    "toml-key-missing": _error("a key without a default is missing", "add it"),
    "toml-value": _error("a value of another type, or out of its range", "give what the message asks for"),
    "toml-schema": _error("written for a newer version of the format", "update egobench, or write schema = 1"),
    "toml-split": _error(
        "the samples were made for another split than the one they are checked against",
        "name the split they were made for: --split, or `split` in submission.toml",
    ),
    "toml-rate": _error(
        "the stated rate is not the split's; nothing is resampled silently",
        "make the samples at the split's rate; `egobench data convert --to-fps` resamples a motion",
    ),
    "toml-skeleton": _error(
        "the motions are on another skeleton than the split's truth; nothing is retargeted silently",
        "give the motions on the split's skeleton, or score them on a split of theirs",
    ),
}
CLIPS = {
    "clip-missing": _error(
        "the model failed on this clip, or its folder was lost or misnamed",
        "add it, or allow so many: --allow-missing N counts them as failed",
    ),
    "clip-unknown": _error(
        "a folder whose name is no clip of the split: misnamed, or of another split",
        "rename or remove it; `egobench data list` and the split's index have the ids",
    ),
    "clip-case": _error(
        "a clip id in another case, which some systems take for the same name", "write the clip id as it is"
    ),
    "clip-lookalike": _error(
        "a name that looks like a clip's but has other characters in it (Cyrillic or Greek letters, wide digits, "
        "invisible ones)",
        "type the clip id in ASCII",
    ),
    "seed-missing": _error(
        "a sample of this clip is missing; submission.toml announces as many per clip as it has seeds",
        "add the folder CLIP/SEED, correct `seeds`, or allow so many: --allow-missing N",
    ),
    "seed-unknown": _error(
        "a folder of a seed that submission.toml does not announce", "correct `seeds`, or remove it"
    ),
    "seed-twice": _error(
        "files lie both in the clip's folder and in one of a seed, so the sample is there twice",
        "keep one of them: CLIP/SEED/… for several seeds, CLIP/… only for one",
    ),
    "video-missing": _error("a sample without its video", 'add it; if the model makes no video, parts = ["motion"]'),
    "video-twice": _error("both video.mp4 and a folder video/", "keep one of them"),
    "motion-missing": _error("a sample without its motion", 'add it; if the model makes no motion, parts = ["video"]'),
    "motion-twice": _error("both motion.npz and motion.npy", "keep one of them"),
    "part-unannounced": _error("a part that `parts` of submission.toml leaves out", "add it to `parts`, or remove it"),
    "content-duplicate": _warning(
        "the same file, or another file with the same pixels or poses, for two clips or seeds: often a copy by "
        "mistake, rarely the output of a model",
        "see that each sample is the one of its own clip and seed",
    ),
}
VIDEO = {
    "video-empty": _error("0 bytes: the writer was stopped, or the disk was full", "write the video again"),
    "video-unreadable": _error(
        "no video, another kind of file under its name, cut off, or damaged; also a playlist that names other files",
        "write the video again (H.264 in mp4) and see that it plays to its end",
    ),
    "video-rate": _error("another frame rate than the split's, or one that is not constant", "write it at that rate"),
    "video-frames": _error("too few or too many frames, such as one too many", "write exactly as many"),
    "video-size": _error("another frame size than the split's", "resize the frames yourself, in a way you can defend"),
    "video-shape": _error("frames of unequal size within one video", "write all frames in the split's size"),
    "video-display-matrix": _error(
        "a display matrix (how players turn or mirror the picture) that is no quarter turn or mirror, or changes",
        "write the frames upright, without a matrix: `ffmpeg -i IN OUT` turns them",
    ),
    "video-bgr": _error(
        "red and blue are exchanged, as in OpenCV: exchanged back, frame 0 is the given first frame",
        "frames[..., ::-1] before they are written",
    ),
    "video-turned": _error(
        "pictures are upside down, mirrored, or turned: turned back, frame 0 is the given first frame",
        "turn them back; a video is read as a player shows it",
    ),
    "video-late": _error(
        "a frame precedes the given first one, such as a black frame from the writer",
        "leave it out, so that frame k is at time k / fps",
    ),
    "video-early": _error(
        "the given first frame was left out, as by models that return only what comes after it",
        "put it first, so that frame k is at time k / fps",
    ),
    "video-black": _warning("every pixel of the video is black", "see what the model or the writer did"),
    "video-constant": _warning("every frame of the video is of one colour", "see what the model or the writer did"),
    "video-frozen": _warning("the video stands still: every frame is the same", "see whether the model moves at all"),
    "video-streams": _warning(
        "several video streams in one file; the one that players show is read", "leave one stream: ffmpeg -map 0:v:0"
    ),
    "video-interlaced": _warning(
        "frames of two fields from different times; lines are read as they are stored",
        "write progressive frames: ffmpeg -vf yadif",
    ),
    "video-too-large": _error(
        "more pixels than memory allows: not a sample of this split", "write what the split asks"
    ),
    "png-names": _error(
        "pictures of a folder video/ that are not 000000.png, 000001.png, … without a gap", "number them from 000000"
    ),
    "png-empty": _error("0 bytes: the writer was stopped, or the disk was full", "write the picture again"),
    "png-unreadable": _error("no PNG (such as a JPEG under its name), cut off, or damaged", "write it again as PNG"),
    "png-size": _error("another size than the split's, or an absurd one", "write frames of the split's size"),
    "png-mode": _error("transparency, grey, a palette, 16 bits or an animation", "convert it to 8-bit RGB"),
    "png-too-large": _error("a file larger than its raw pixels", "write the picture again without other data in it"),
}
NPZ = {
    "npz-empty": _error("0 bytes: the writer was stopped, or the disk was full", "write the file again"),
    "npz-unreadable": _error("no npz or npy file, cut off, or damaged", "write it with numpy.savez or numpy.save"),
    "npz-encrypted": _error("a zip with a password", "write it with numpy.savez"),
    "npz-compression": _error(
        "a zip method that numpy does not write and whose output cannot be bounded",
        "write it with numpy.savez_compressed",
    ),
    "npz-too-large": _error(
        "unpacks to far more than the split needs, or states a wrong size", "write only the named arrays"
    ),
    "npz-dtype": _error(
        "Python objects (pickled) or records; reading them could run any code, so they are never opened",
        "write plain float arrays",
    ),
    "npz-name": _error("an array's name that repeats, holds a path, or has no .npy", "write it with numpy.savez"),
    "npz-extra": _warning("arrays that the format does not know; they are not read", "leave them out"),
}
MOTION = {
    "motion-keys": _error(
        "none of the three kinds: positions and rotations; SMPL parameters; HumanML3D vectors",
        "name the arrays as docs/submissions.md says",
    ),
    "motion-dtype": _error("integers, booleans, texts or complex numbers", "write float32 or float64"),
    "motion-shape": _error(
        "axes in another order, or missing", "positions (T, J, 3), rotations (T, J, 3, 3) or (T, J, 4)"
    ),
    "motion-frames": _error("too few or too many frames, such as the video's number", "write as many as asked"),
    "motion-rate": _error(
        "a rate in the file that is not the split's", "`egobench data convert --to-fps` resamples a motion"
    ),
    "motion-skeleton": _error(
        "another number of joints than the skeleton has", "write its joints in its order: docs/submissions.md"
    ),
    "motion-nonfinite": _error(
        "NaN or infinity, or a number beyond 1e5: a model that diverged", "fix the sampler; do not replace them by 0"
    ),
    "motion-byte-order": _error(
        "numbers make sense only with their bytes reversed: big-endian data declared as little-endian",
        "write with the machine's own byte order: array.astype('<f4')",
    ),
    "motion-units": _error("millimetres, centimetres, inches, or normalised numbers", "write metres"),
    "motion-rotation": _error(
        "matrices that are no rotations: scaled, sheared, interpolated entry by entry, or mirrored",
        "project them on the rotations (SVD, or Gram-Schmidt of the 6-D form)",
    ),
    "motion-quaternion": _error("quaternions whose length is not 1", "divide them by their length"),
    "motion-quaternion-order": _error(
        "quaternions in order x, y, z, w, as scipy gives them", "numpy.roll(quaternions, 1, axis=-1)"
    ),
    "motion-rotation-inverse": _error("rotations world → joint", "transpose the matrices: joint → world is needed"),
    "motion-rotation-local": _error(
        "rotations relative to the parent joint, as SMPL has them", "multiply them along the tree, parent first"
    ),
    "motion-yaw": _error(
        "positions are turned about the vertical against their rotations; often only one of them was given another "
        "heading",
        "turn both: the bones of a joint's children keep their direction in that joint's frame",
    ),
    "motion-axes": _error(
        "positions have other axes than their rotations: exchanged (x and y, y and z), or only one of them was turned",
        "exchange or turn both: p → A p and R → A R with the same rotation A",
    ),
    "motion-handedness": _error(
        "a left-handed world, one axis negated in positions or rotations alone, or joints of the left and the right "
        "side exchanged",
        "negate the axis in positions as well as in rotations: M p and M R M with M = diag(1, -1, 1) for y",
    ),
    "motion-rest": _error(
        "the joints have other axes than here: in the pose where all rotations are the identity the body does not "
        "stand along z facing +x",
        "multiply every rotation from the right by the one that turns our identity pose into theirs",
    ),
    "motion-up": _error(
        "another axis than z is up",
        "turn positions and rotations: (x, y, z) → (z, x, y) for y up; put positions back that alone were exchanged",
    ),
    "motion-teleport": _error(
        "the body moves farther between two frames than a person can: joined pieces, or frames out of order",
        "see what lies at that frame",
    ),
    "motion-rotation-fit": _warning(
        "positions do not follow the rotations: bones change their direction in the frames of their own joints, or all "
        "of them are turned by more than 8°",
        "take both from one forward kinematics",
    ),
    "skeleton-map": _error(
        "the file of --skeleton-map is no skeleton map, or does not fit the arrays or the split's skeleton",
        "`skeleton`, `names` in the order of the arrays, and a table `joints` (theirs = ours): docs/motion-files.md",
    ),
    "skeleton-name": _error(
        "the file of --skeleton-map declares the split's skeleton as another tree", "declare it as the split does"
    ),
    "skeleton-tree": _error(
        "joints twice, parents after their children, or no head or feet in --skeleton-map",
        "the root first with parent -1, parents before children; head, left_foot, right_foot",
    ),
    "motion-precision": _warning(
        "positions were in float16 or bfloat16, whose step is 1 mm or 8 mm at 1 m: jerk and foot-skate are undefined",
        "write positions in float32, and compute them in it",
    ),
    "smpl-keys": _error(
        "some SMPL parameters are there, others not, or two spellings of one thing differ",
        "poses; or global_orient and body_pose; or root_orient and pose_body",
    ),
    "smpl-shape": _error("parameters of another shape", "poses (T, 3 per joint), trans (T, 3)"),
    "smpl-nonfinite": _error("NaN, infinity, or a number beyond 1e5", "fix the sampler"),
    "smpl-betas": _error(
        "betas that change over time, or more betas than the body model has shapes (SMPL-X's expressions are no "
        "shapes)",
        "one row of betas",
    ),
    "smpl-degrees": _error("rotations in degrees", "radians: multiply by π / 180"),
    "smpl-rate": _error("mocap_framerate and mocap_frame_rate differ", "leave the wrong one out"),
    "smpl-trans": _warning("no `trans` and no `transl`: the body is taken to stay in one place", "write trans (T, 3)"),
    "smpl-model": _error("parameters of another model than the body-model file", "give the model they were made for"),
    "body-model-missing": _error(
        "SMPL parameters, and no body model to turn them into joints",
        "give your own file: --body-model SMPL_NEUTRAL.npz",
    ),
    "body-model-pickle": _error("a pickle, which could run any code", "save the arrays with numpy.savez"),
    "body-model-keys": _error("an npz file that is no body model", "give SMPL's, SMPL-H's or SMPL-X's"),
    "body-model-shape": _error("a body model with arrays of other shapes", "give SMPL's, SMPL-H's or SMPL-X's"),
    "body-model-joints": _error("a tree of joints of no such model", "give SMPL's, SMPL-H's or SMPL-X's"),
    "humanml3d-shape": _error(
        "vectors or joints of another shape or type",
        "floats (T, 263) of HumanML3D or (T, 251) of KIT, not normalised; or joints (T, 22, 3), (T, 21, 3)",
    ),
    "humanml3d-nonfinite": _error("NaN, infinity, or a number beyond 1e5", "fix the sampler"),
    "camera-shape": _error(
        "`camera` or `intrinsics` of another shape or type", "camera (T, 4, 4), intrinsics (3, 3), floats"
    ),
    "camera-nonfinite": _error("NaN or infinity in `camera` or `intrinsics`", "leave the arrays out if unknown"),
    "camera-rigid": _error(
        "matrices of `camera` that are no rigid movement: scaled, mirrored, transposed, or camera ← world",
        "world ← camera, last row 0 0 0 1",
    ),
    "camera-intrinsics": _error("another camera than the split's", "render with the split's intrinsics"),
    "camera-head": _warning(
        "`camera` is not at the place that head and lever arm give; the metrics use the head's",
        "T_world_camera = T_world_head @ T_head_camera, or leave `camera` out",
    ),
}
READERS = {
    "reader-died": _error("the decoder crashed on the file", "write it again with a current encoder"),
    "reader-slow": _error("the file takes minutes to read", "write it again; it may be damaged or hostile"),
    "reader-failed": _error(
        "the reader met an unexpected error; this is a fault of egobench as well", "report it with the file"
    ),
}
CODES: dict[str, Code] = {**FOLDER, **TOML, **CLIPS, **VIDEO, **NPZ, **MOTION, **READERS}
GROUPS = {
    "The folder and its names": FOLDER,
    "submission.toml": TOML,
    "Clips, seeds, parts": CLIPS,
    "Video": VIDEO,
    "npz and npy files": NPZ,
    "Motion and camera": MOTION,
    "Readers": READERS,
}


def error_page() -> str:
    """docs/submission-errors.md."""
    lines = [
        "# What `egobench check` finds",
        "",
        "Made from the table in `egobench/submissions/codes.py` by `python -m egobench.submissions.codes`; a test "
        "keeps them equal.",
        "A submission with an error is not scored (exit code 2); one with a warning is. Codes are stable.",
    ]
    for title, codes in GROUPS.items():
        lines += ["", f"## {title}", "", "| code | | cause | what would be right |", "|---|---|---|---|"]
        lines += [f"| `{name}` | {code.severity} | {code.cause} | {code.fix} |" for name, code in codes.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(error_page(), end="")
