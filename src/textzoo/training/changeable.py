"""Keys of the training section that may change when a run continues."""

# The run's vectors and the sequence of windows stay valid when these change.
CHANGEABLE = frozenset(
    {
        "steps",
        "epochs",
        "gradient_accumulation",
        "learning_rate",
        "muon_learning_rate",
        "schedule",
        "warmup_steps",
        "warmdown_fraction",
        "final_learning_rate_fraction",
        "weight_decay",
        "gradient_clip_norm",
        "label_smoothing",
        "score_penalty",
        "mixed_precision",
        "eval_interval",
        "eval_tokens",
        "early_stopping_patience",
    }
)
