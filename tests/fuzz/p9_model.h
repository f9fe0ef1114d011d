/* SPDX-License-Identifier: MIT */
/*
 * p9_model.h - what would a file system hold after the same requests: a small
 * tree of files and directories in memory, and what fids stand for in it.
 */
#ifndef TESTS_FUZZ_P9_MODEL_H
#define TESTS_FUZZ_P9_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NODES_NR 64
#define FIDS_NR	 8
#define DATA_LEN 64u

enum kind {
	FREE,
	DIR_NODE,
	FILE_NODE
};

struct node {
	enum kind kind;
	int parent; /* of the root: itself */
	char name;  /* 0: it has none any more */
	bool lower; /* a directory of the lower layer */
	uint32_t len;
	uint8_t data[DATA_LEN];
};
struct fid {
	bool used, open;
	int node;
	uint32_t mode; /* P9_OPEN_ACCMODE of its flags */
};

static struct node nodes[NODES_NR];
static struct fid fids[FIDS_NR];

static int node_find(int dir, char name)
{
	for (int i = 1; i < NODES_NR; i++)
		if (nodes[i].kind && nodes[i].name == name &&
		    nodes[i].parent == dir)
			return i;
	return -1;
}

/* -1: the model is full. */
static int node_add(int dir, char name, enum kind kind)
{
	for (int i = 1; i < NODES_NR; i++)
		if (!nodes[i].kind) {
			nodes[i] = (struct node){ .kind = kind,
						  .parent = dir,
						  .name = name };
			return i;
		}
	return -1;
}

static bool node_is_gone(int node)
{
	while (node) {
		if (!nodes[node].name)
			return true;
		node = nodes[node].parent;
	}
	return false;
}

static int children_nr(int dir)
{
	int nr = 0;

	for (int i = 1; i < NODES_NR; i++)
		nr += nodes[i].kind && nodes[i].name && nodes[i].parent == dir;
	return nr;
}

static bool is_below(int node, int dir)
{
	while (node && node != dir)
		node = nodes[node].parent;
	return node == dir;
}

static void model_start(void)
{
	memset(nodes, 0, sizeof(nodes));
	memset(fids, 0, sizeof(fids));
	nodes[0] = (struct node){ .kind = DIR_NODE, .name = '/' };
	nodes[node_add(0, 'a', FILE_NODE)].len = 5;
	memcpy(nodes[1].data, "lower", 5);
	nodes[node_add(0, 'b', DIR_NODE)].lower = true;
	nodes[node_add(2, 'c', FILE_NODE)].len = 4;
	memcpy(nodes[3].data, "deep", 4);
}

#endif
