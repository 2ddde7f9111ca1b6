#include <dml/dml.h>
