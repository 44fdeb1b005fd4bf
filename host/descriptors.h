/* descriptors: the process's limit of open files, which each connection counts against. */
#ifndef MOONKEY_DESCRIPTORS_H
#define MOONKEY_DESCRIPTORS_H

/*
 * How many of `wanted` connections can be open at a time, at least 1: the limit is raised as far as that needs and the system
 * allows, and some are kept for files, pipes and the resolver. A warning says when it is fewer.
 */
unsigned descriptors_for(unsigned wanted);

#endif
