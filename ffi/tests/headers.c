/* The C header alone, as C99. */
#include <licsdk/licsdk.h>

licsdk_config config = LICSDK_CONFIG_INIT;
licsdk_question question = LICSDK_QUESTION_INIT;
