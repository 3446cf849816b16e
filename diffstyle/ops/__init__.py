"""Pure maths on tensors, shared by engines, metrics and training."""
