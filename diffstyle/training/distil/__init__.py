"""Students: one style or a few, taught to a small network by the engines that paint them."""
