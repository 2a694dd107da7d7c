"""Engines that write without showing the inside: llama.cpp in a process of ours, and others' servers."""
