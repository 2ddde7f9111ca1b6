#include "CVDM.h"
