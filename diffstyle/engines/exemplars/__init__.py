"""The pictures whose marks engines copy or measure, for styles in pictures and in words."""
