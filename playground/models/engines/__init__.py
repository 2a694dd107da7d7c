"""Engines that write text without showing the inside: llama.cpp in a process of ours, and servers of others."""
