"""What GRUB will boot: its defaults, its script, its environment block and Boot Loader Specification entries. Pure."""
