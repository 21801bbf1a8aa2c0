"""What a run leaves behind: its folder with content-hashed files, its report, its entry in the tracking store."""
