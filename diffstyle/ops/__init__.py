"""Pure maths on tensors, shared by engines, controls, measures and training."""
