/*
 * Resolving a path name to an inode.
 *
 * The walk consumes one component at a time. Three cases deserve care: ".."
 * at the root of a mounted file system must climb to the directory it is
 * mounted on, a directory with something mounted on it must be replaced by
 * the root of that mount, and a symbolic link restarts the walk with a bound
 * on how often that may happen.
 */
#include <stddef.h>
#include <stdint.h>

#define NAME_MAX_LEN 255
#define MAX_LINKS 8
#define LINK_BUF 256

enum { ENOENT = 2, EACCES = 13, ENOTDIR = 20, ENAMETOOLONG = 36, ELOOP = 40 };
enum itype { IT_FILE, IT_DIR, IT_LINK, IT_DEV };

struct inode {
	enum itype type;
	struct mount *mounted_here;     /* set on a covered directory */
	struct mount *mount;            /* file system this inode is part of */
	const struct inode_ops *ops;
};

struct inode_ops {
	struct inode *(*lookup)(struct inode *dir, const char *name, size_t len);
	size_t (*readlink)(struct inode *link, char *buf, size_t cap);
	int (*may_search)(struct inode *dir);
};

struct mount {
	struct inode *root;
	struct inode *covered;          /* NULL for the root file system */
};

static struct inode *cross_down(struct inode *n)
{
	while (n->mounted_here)
		n = n->mounted_here->root;
	return n;
}

static struct inode *go_up(struct inode *n)
{
	/* Leave every file system whose root this is, then ask for "..". */
	while (n == n->mount->root && n->mount->covered)
		n = n->mount->covered;
	if (n == n->mount->root)
		return n;               /* "/.." is "/" */
	return n->ops->lookup(n, "..", 2);
}

static int walk(struct inode *root, struct inode *at, const char *path,
		int *links_left, struct inode **out)
{
	if (*path == '\0')
		return -ENOENT;
	if (*path == '/')
		at = root;

	for (;;) {
		struct inode *next;
		const char *name;
		size_t len = 0;

		while (*path == '/')
			path++;
		if (*path == '\0')
			break;
		name = path;
		while (name[len] && name[len] != '/')
			len++;
		path += len;
		if (len > NAME_MAX_LEN)
			return -ENAMETOOLONG;
		if (at->type != IT_DIR)
			return -ENOTDIR;
		if (!at->ops->may_search(at))
			return -EACCES;

		if (len == 1 && name[0] == '.')
			continue;
		if (len == 2 && name[0] == '.' && name[1] == '.')
			next = go_up(at);
		else
			next = at->ops->lookup(at, name, len);
		if (next == NULL)
			return -ENOENT;
		next = cross_down(next);

		if (next->type == IT_LINK) {
			char target[LINK_BUF];
			size_t n;
			int err;

			if ((*links_left)-- == 0)
				return -ELOOP;
			n = next->ops->readlink(next, target, sizeof(target) - 1);
			target[n] = '\0';
			/* Relative targets start at the directory with the link. */
			err = walk(root, at, target, links_left, &next);
			if (err)
				return err;
		}
		at = next;
		if (*path == '/' && at->type != IT_DIR)
			return -ENOTDIR;        /* "file/" names no file */
	}
	*out = at;
	return 0;
}

int path_resolve(struct inode *root, struct inode *cwd, const char *path, struct inode **out)
{
	int links_left = MAX_LINKS;

	return walk(root, cwd, path, &links_left, out);
}

/* Recursion is limited by MAX_LINKS, which also bounds the kernel stack used. */
