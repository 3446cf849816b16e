"""Real-time students: one small feed-forward network for a few styles (Johnson et al. 2016)."""
