/* SPDX-License-Identifier: MIT */
/*
 * log.h - one line per event on stderr: "ivlab: vm producer: text".
 *
 * Called by:  any thread; a line is written whole, with one write.
 * Not for the data path: counters go to the stats page (stats.h).
 */
#ifndef VMM_CORE_LOG_H
#define VMM_CORE_LOG_H

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG
};

/* What stands before each line, e.g. "vm producer". Copied, cut at 63. */
void log_set_prefix(const char *prefix);
/* Lines above this level are dropped. Default LOG_INFO. */
void log_set_level(enum log_level level);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level,
						    const char *fmt, ...);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/*
 * For what a guest can trigger at will: at most LOG_LIMIT_BURST warnings of
 * one call site in the process's life, the last one saying that the rest is
 * silent.
 */
struct log_limit {
	_Atomic unsigned int seen;
};
#define LOG_LIMIT_BURST 8
__attribute__((format(printf, 2, 3))) void log_limited(struct log_limit *limit,
						       const char *fmt, ...);

#endif
