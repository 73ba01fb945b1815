"""From signals to suggestions, in five stages: context, prompt, Brain, validation, delivery."""
