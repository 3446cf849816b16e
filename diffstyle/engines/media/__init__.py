"""Media that follow a rule, drawn from the photo itself at its full size."""
