/* wants.h - asking for outputs. */
#ifndef SUPPORT_WANTS_H
#define SUPPORT_WANTS_H

#include "loss/evaluation.h"

/* Ask for every output that the request's targets and its number of classes allow. */
void want_everything(struct loss_request *request);

#endif
