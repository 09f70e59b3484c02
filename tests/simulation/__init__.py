"""The real engine and store under a virtual clock, with faults; judged by the checker."""
