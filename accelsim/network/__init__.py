"""What is computed: networks from YAML to executed layers. Knows no hardware."""
