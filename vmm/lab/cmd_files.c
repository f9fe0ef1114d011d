/* SPDX-License-Identifier: MIT */
/* cmd_files.c - `ivlab files`: shared directories, and what VMs changed. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/p9.h"
#include "vmm/core/log.h"
#include "vmm/core/near.h"
#include "vmm/files/p9_server.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/escape.h"
#include "vmm/lab/files_serve.h"
#include "vmm/lab/private_dir.h"
#include "vmm/lab/share_reason.h"
#include "vmm/lab/share_words.h"
#include "vmm/lab/size.h"

#define MSIZE_ALLOWED "4K to 1M"

static void help(void)
{
	puts("usage: ivlab files serve DIR --socket PATH [options]\n"
	     "       ivlab files diff|commit|discard DIR --private PRIVATE\n"
	     "Shared directories for 9P2000.L clients, copy-on-write if asked "
	     "for.\n\n"
	     "  serve     serve DIR to several clients, until SIGINT or "
	     "SIGTERM, in a sandbox\n"
	     "            (no new privileges, seccomp, and Landlock where the "
	     "kernel has it)\n"
	     "  diff      list what PRIVATE changes in DIR: A added, M "
	     "modified, D deleted\n"
	     "  commit    make these changes in DIR, and empty PRIVATE\n"
	     "  discard   empty PRIVATE\n\n"
	     "  --socket PATH      the Unix socket clients connect to\n"
	     "  --mode MODE        ro: nothing can be changed (default); rw: "
	     "DIR is changed;\n"
	     "                     cow: changes go to PRIVATE, DIR is only "
	     "read\n"
	     "  --private PRIVATE  directory for the changes of --mode cow; "
	     "made if missing\n"
	     "  --fresh            empty PRIVATE first\n"
	     "  --quota SIZE       bytes that PRIVATE may hold (default: no "
	     "limit)\n"
	     "  --policy POLICY    owners, set-id bits and device nodes that "
	     "clients ask for\n"
	     "                     are kept beside the file (record, the "
	     "default) or dropped\n"
	     "                     (squash); the host's are never changed\n"
	     "  --msize SIZE       largest message, " MSIZE_ALLOWED
	     " (default 1M)\n"
	     "  --once             end when the first client leaves\n"
	     "  --help             this text\n\n"
	     "A client, as root on a Linux with 9p modules:\n"
	     "  mount -t 9p -o trans=unix,version=9p2000.L,msize=1048576 PATH "
	     "/mnt");
}

enum action {
	ACTION_SERVE,
	ACTION_DIFF,
	ACTION_COMMIT,
	ACTION_DISCARD,
	ACTIONS_NR
};
static const char *const action_names[ACTIONS_NR] = { "serve", "diff", "commit",
						      "discard" };

struct asked {
	enum action action;
	struct files_serve_opts serve;
	const char
		*serve_option; /* name of one that only serve has, if given */
};

/* --- the command line ----------------------------------------------------- */

/* 0, or a complaint that names what is allowed. */
static int allow(const char *why, const char *option, const char *word,
		 const char *allowed)
{
	return why ? cmd_usage("files", "%s %s; allowed: %s", option, word,
			       allowed)
		   : 0;
}

static const struct option options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "mode", required_argument, NULL, 'm' },
	{ "private", required_argument, NULL, 'p' },
	{ "fresh", no_argument, NULL, 'f' },
	{ "policy", required_argument, NULL, 'P' },
	{ "msize", required_argument, NULL, 'l' },
	{ "quota", required_argument, NULL, 'q' },
	{ "once", no_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* 0, or the exit status after a complaint. */
static int take_option(struct asked *asked, int c, const char *name,
		       char **argv)
{
	struct files_serve_opts *serve = &asked->serve;
	uint64_t size;

	if (c != 'p' && c != '?' && c != ':')
		asked->serve_option = name;
	switch (c) {
	case 's':
		serve->socket_path = optarg;
		return 0;
	case 'm':
		return allow(share_words_mode(optarg, &serve->share.mode),
			     "--mode", optarg, SHARE_WORDS_MODES);
	case 'P':
		return allow(share_words_policy(optarg, &serve->share.policy),
			     "--policy", optarg, SHARE_WORDS_POLICIES);
	case 'p':
		serve->share.upper = optarg;
		return 0;
	case 'q':
		return allow(share_words_quota(optarg, &serve->share.quota),
			     "--quota", optarg, SHARE_WORDS_QUOTAS);
	case 'l':
		if (size_parse(optarg, &size) || size < P9_MSIZE_MIN ||
		    size > P9_MSIZE_MAX)
			return cmd_usage("files",
					 "--msize %s; allowed: " MSIZE_ALLOWED,
					 optarg);
		serve->msize = (uint32_t)size;
		return 0;
	case 'f':
		serve->fresh = true;
		return 0;
	case 'o':
		serve->once = true;
		return 0;
	default:
		return cmd_bad_option("files", c, argv, options);
	}
}

/* What fits together? 0, or the exit status. */
static int check(const struct asked *asked)
{
	const struct files_serve_opts *serve = &asked->serve;
	const char *action = action_names[asked->action];

	if (!serve->share.lower)
		return cmd_usage("files", "%s which directory? DIR is missing",
				 action);
	if (asked->action != ACTION_SERVE) {
		if (asked->serve_option)
			return cmd_usage(
				"files",
				"%s does not take --%s: it is for serve",
				action, asked->serve_option);
		if (!serve->share.upper)
			return cmd_usage("files",
					 "%s: --private PRIVATE is missing, "
					 "the directory with the changes",
					 action);
		return 0;
	}
	if (!serve->socket_path)
		return cmd_usage("files", "--socket PATH is missing");
	if (serve->share.mode == SHARE_COW && !serve->share.upper)
		return cmd_usage("files",
				 "--mode cow needs --private PRIVATE, a "
				 "directory for the changes");
	if (serve->share.mode != SHARE_COW &&
	    (serve->share.upper || serve->fresh || serve->share.quota))
		return cmd_usage("files", "--private, --fresh and --quota are "
					  "for --mode cow");
	return 0;
}

/* -1: go on; else the exit status. */
static int parse(struct asked *asked, int argc, char **argv)
{
	int c, option_nr = 0, status, action;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, &option_nr)) != -1) {
		if (c == 'h') {
			help();
			return 0;
		}
		status = take_option(asked, c, options[option_nr].name, argv);
		if (status)
			return status;
	}
	if (optind == argc)
		return cmd_usage("files", "serve, diff, commit or discard?");
	action = 0;
	while (action < ACTIONS_NR &&
	       strcmp(argv[optind], action_names[action]) != 0)
		action++;
	if (action == ACTIONS_NR) {
		const char *near = near_name(argv[optind], action_names,
					     ACTIONS_NR);

		return cmd_usage("files", "what is %s? %s%s%s", argv[optind],
				 near ? "Did you mean "
				      : "serve, diff, commit "
					"or discard",
				 near ? near : "", near ? "?" : "");
	}
	asked->action = (enum action)action;
	if (optind + 1 < argc)
		asked->serve.share.lower = argv[optind + 1];
	if (optind + 2 < argc)
		return cmd_usage("files", "what is %s?", argv[optind + 2]);
	status = check(asked);
	return status ? status : -1;
}

/* --- serve ---------------------------------------------------------------- */

/* Before anything is made for it. */
static int run_serve(const struct files_serve_opts *opts)
{
	const struct share_opts *share = &opts->share;
	const char *why = private_dir_shared_absent(share->lower);

	if (why) {
		log_error("cannot serve %s: %s; name a directory there is",
			  share->lower, why);
		return CMD_USAGE;
	}
	if (share->mode == SHARE_COW &&
	    !private_dir_is_apart(share->lower, share->upper)) {
		log_error("cannot serve %s: private directory "
			  "%s: " PRIVATE_DIR_NOT_APART "; name one elsewhere",
			  share->lower, share->upper);
		return CMD_USAGE;
	}
	return files_serve(opts) ? CMD_FAILED : 0;
}

/* --- diff, commit, discard ------------------------------------------------ */

static void say(void *arg, const char *line)
{
	share_reason_say(arg, line);
}

static int print_change(void *arg, enum share_change change, const char *path)
{
	static const char letters[] = { [SHARE_ADDED] = 'A',
					[SHARE_CHANGED] = 'M',
					[SHARE_DELETED] = 'D' };
	size_t len = strlen(path);
	char *text = malloc(ESCAPE_LEN(len));
	int err;

	(void)arg;
	if (!text)
		return -ENOMEM;
	escape_bytes(text, path, len);
	err = printf("%c %s\n", letters[change], text) < 0 ? -EIO : 0;
	free(text);
	return err;
}

static int act(const struct asked *asked, struct share *share)
{
	int err;

	switch (asked->action) {
	case ACTION_DIFF:
		err = share_diff(share, print_change, NULL);
		break;
	case ACTION_COMMIT:
		err = share_commit(share, print_change, NULL);
		break;
	default:
		err = share_discard(share);
		break;
	}
	if (!err && fflush(stdout))
		err = -errno;
	return err;
}

/* Is there what the action is about? A mistyped name would be an empty layer:
 * nothing changed. */
static bool is_there(const struct asked *asked)
{
	const char *action = action_names[asked->action];
	const char *lower = asked->serve.share.lower;
	const char *upper = asked->serve.share.upper;
	const char *why = private_dir_absent(upper);

	if (why) {
		log_error("%s %s: %s; labs keep their private layers in "
			  ".ivlab/LAB/VM/SHARE beside the lab file",
			  action, upper, why);
		return false;
	}
	why = private_dir_shared_absent(lower);
	if (!why)
		return true;
	log_error("%s %s: directory %s: %s; name the one that was shared, or "
		  "drop the changes: rm -r %s",
		  action, upper, lower, why, upper);
	return false;
}

/* The share cannot be opened. Its words are for who serves it. */
static void tell_unopened(const struct asked *asked, int err,
			  const struct share_reason *reason)
{
	static const char fresh[] = "start anew (--fresh)";
	const char *action = action_names[asked->action];
	const char *upper = asked->serve.share.upper;
	const char *why = share_reason_why(reason, err);
	const char *at = strstr(why, fresh);

	if (at)
		log_error("%s: %.*sdrop the changes (rm -r %s)%s", action,
			  (int)(at - why), why, upper, at + strlen(fresh));
	else
		log_error("%s: %s%s", action, why, share_reason_cure(err));
}

static int change(const struct asked *asked)
{
	struct share_opts opts = asked->serve.share;
	struct share_reason reason = { "", opts.upper, "" };
	struct share *share;
	int err;

	if (!is_there(asked))
		return CMD_FAILED;
	opts.mode = SHARE_COW;
	opts.say = say;
	opts.arg = &reason;
	err = share_create(&share, &opts);
	if (err) {
		tell_unopened(asked, err, &reason);
		return CMD_FAILED;
	}
	share_reason_warn(&reason);
	err = act(asked, share);
	share_destroy(share);
	if (!err) {
		share_reason_warn(&reason);
		return 0;
	}
	log_error(
		"%s %s: %s%s", action_names[asked->action], opts.upper,
		share_reason_why(&reason, err),
		asked->action == ACTION_COMMIT
			? "; what is done is done, start it again for the rest"
			: "");
	return CMD_FAILED;
}

int cmd_files(int argc, char **argv)
{
	struct asked asked = { .serve = { .msize = P9_MSIZE_MAX } };
	int status = parse(&asked, argc, argv);

	if (status >= 0)
		return status;
	if (asked.action != ACTION_SERVE)
		return change(&asked);
	return run_serve(&asked.serve);
}
