#!/usr/bin/env python
"""Tenure's command line."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Two busy OpenMP threads on few cores make a model fit many times slower.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from django.core.management import execute_from_command_line

    from audit import fence

    fence.work_for_the_system()
    execute_from_command_line(sys.argv)
