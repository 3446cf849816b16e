"""The values that everything else works on: pictures, masks, styles, tasks."""
