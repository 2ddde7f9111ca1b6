// What Fibers needs below Swift: the context switch and the first frame of a stack, the hooks of
// the sanitizers, a few system calls, the handler of stack overflows, and one thread-local word.
//
// No logic lives here. Functions that can fail return `-errno`; none allocates or locks.
#pragma once
#include "CFibersSwitch.h"
#include "CFibersSystem.h"
#include "CFibersIO.h"
