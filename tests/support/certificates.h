/* certificates.h - keys and certificates of a test's own, in its folder. */
#ifndef SUPPORT_CERTIFICATES_H
#define SUPPORT_CERTIFICATES_H

enum certificate_use { FOR_SIGNING, FOR_SERVERS, FOR_CLIENTS };

/* Make a key, and a certificate that is valid from and until so many days from now, signed by
 * one made before, or if that is NULL by itself.  Written to NAME.pem and NAME.key; a
 * server's is for 127.0.0.1. */
void certificate_make(const char *name, enum certificate_use use, const char *signer, int from_days,
                      int until_days);

/* Forget them; the files stay. */
void certificates_forget(void);

#endif
