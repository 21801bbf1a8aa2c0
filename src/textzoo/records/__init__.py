"""What a run leaves behind: its folder, its report, its entry in the tracking store."""
