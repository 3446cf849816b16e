"""What the words of a style say: media, colours of ink and paper, tone, grain."""
