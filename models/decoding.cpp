#include <gradus/models/decoding.h>
