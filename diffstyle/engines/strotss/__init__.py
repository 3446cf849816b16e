"""Style transfer by relaxed optimal transport and self-similarity (STROTSS, Kolkin et al. 2019)."""
