"""Records of a run: its folder, its report, its runs in the tracking store."""
