// Threads for slm_parallel: they live as long as the program and wait, spinning a while, then asleep.
#ifndef SLM_THREADS_H
#define SLM_THREADS_H

#include "../runtime/matrix.h"

enum { THREADS_MAX = 64 };
bool start_threads(u32 n); // n of them take part in every job from now on, the caller being one; false if the system has no more

#endif
