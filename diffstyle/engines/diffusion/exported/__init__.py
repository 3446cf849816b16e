"""The backbone's networks as they run outside torch: what is exported of each, and how the pipeline calls it."""
