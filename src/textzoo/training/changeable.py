"""What of a training may change while it goes on."""

# Keys of the training section that may change while a run goes on: its vectors and the windows read stay valid.
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
