#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static struct {
    u32 n; // threads, the caller among them
    slm_job *job;
    void *work;
    _Atomic u32 round, left; // jobs given out so far; helpers that have not finished this one
    _Atomic u32 asleep;
    pthread_mutex_t lock;
    pthread_cond_t news;
} team = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

enum { SPINS = 20000 }; // some tens of microseconds: longer than the caller is busy between two jobs of one token

static inline void breathe(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static u32 next_round(u32 seen) {
    for (u32 i = 0; i < SPINS; i++, breathe())
        if (atomic_load(&team.round) != seen) return seen + 1;
    pthread_mutex_lock(&team.lock);
    atomic_fetch_add(&team.asleep, 1);
    while (atomic_load(&team.round) == seen) pthread_cond_wait(&team.news, &team.lock);
    atomic_fetch_sub(&team.asleep, 1);
    pthread_mutex_unlock(&team.lock);
    return seen + 1;
}

static void *help(void *part) {
    u32 mine = (u32)(uintptr_t)part, seen = 0;
    for (;;) {
        seen = next_round(seen);
        team.job(team.work, mine, team.n);
        atomic_fetch_sub(&team.left, 1);
    }
    return NULL;
}

static void run_together(slm_job *job, void *work) {
    team.job = job, team.work = work;
    atomic_store(&team.left, team.n - 1);
    atomic_fetch_add(&team.round, 1);
    if (atomic_load(&team.asleep)) {
        pthread_mutex_lock(&team.lock);
        pthread_cond_broadcast(&team.news);
        pthread_mutex_unlock(&team.lock);
    }
    job(work, 0, team.n);
    for (u32 i = 0; atomic_load(&team.left); i++)
        if (i < SPINS) breathe();
        else sched_yield();
}

bool start_threads(u32 n) {
    team.n = n;
    for (u32 i = 1; i < n; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, help, (void *)(uintptr_t)i)) return false;
        pthread_detach(thread);
    }
    if (n > 1) slm_parallel = run_together;
    return true;
}
