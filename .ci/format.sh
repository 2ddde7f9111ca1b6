#!/usr/bin/env bash
# The format and lint rules of .swift-format.
source .ci/lib.sh
swift format lint --strict --recursive Package.swift Sources Tests Examples
