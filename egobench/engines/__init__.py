"""Where the work of a run is done: in processes of this machine, or in this very process."""
