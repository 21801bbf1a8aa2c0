/* The weights: mapped from their partition, or part of the program. */
#include <stddef.h>

#include "port_esp32.h"
#include "sdkconfig.h"

#ifdef CONFIG_TEXTZOO_WEIGHTS_PARTITION
#include "esp_partition.h"
#include "weights_image.h"

const char *weights_open(void)
{
    const void *file = NULL;
    esp_partition_mmap_handle_t handle;
    const esp_partition_t *partition =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "weights");
    if (partition == NULL) {
        return "the partition table has no partition 'weights'";
    }
    if (esp_partition_mmap(partition, 0, partition->size, ESP_PARTITION_MMAP_DATA, &file, &handle) != ESP_OK) {
        return "the weights cannot be mapped into memory";
    }
    return weights_image_use(file, partition->size);
}
#else
const char *weights_open(void)
{
    return NULL;
}
#endif
