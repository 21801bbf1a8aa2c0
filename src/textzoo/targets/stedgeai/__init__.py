"""ST Edge AI Core, ST's own compiler for its boards: installed on this machine, or in ST's Developer Cloud."""
