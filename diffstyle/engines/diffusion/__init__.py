"""img2img diffusion with ControlNets, conditioned on a style by adapters."""
