"""Networks that read words and pictures: CLIP and perceptual features."""
