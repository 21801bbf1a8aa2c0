"""From a composed configuration to finished steps: plan, run, record, resume."""
