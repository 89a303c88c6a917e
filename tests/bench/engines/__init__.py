"""The engines side by side on one topic: what they are told, how they are watched and judged."""
