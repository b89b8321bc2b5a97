/* FANN's own incremental training, timed: `fann_driver PLAN NUMBERS WEIGHTS`.

   PLAN     layers, widths …, rows, epochs, steps of the order, rate; as text
   NUMBERS  floats: X, D, then the start weights in FANN's order; then int32s: the order of the rows
   WEIGHTS  the weights at the end, in FANN's order
   Prints the seconds of the loop and the mean squared error of each epoch. */

#include <floatfann.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *taken(FILE *file, size_t size, size_t count) {
    void *numbers = malloc(size * count);
    if (numbers == NULL || fread(numbers, size, count, file) != count) exit(2);
    return numbers;
}

int main(int argc, char **argv) {
    unsigned layers, rows, epochs, widths[16];
    float rate;
    if (argc != 4) return 2;
    FILE *plan = fopen(argv[1], "r"), *numbers = fopen(argv[2], "rb");
    if (plan == NULL || numbers == NULL || fscanf(plan, "%u", &layers) != 1 || layers > 16) return 2;
    for (unsigned l = 0; l < layers; ++l)
        if (fscanf(plan, "%u", &widths[l]) != 1) return 2;
    if (fscanf(plan, "%u %u %f", &rows, &epochs, &rate) != 3) return 2;

    struct fann *network = fann_create_standard_array(layers, widths);
    fann_set_activation_function_hidden(network, FANN_SIGMOID);
    fann_set_activation_function_output(network, FANN_SIGMOID);
    fann_set_activation_steepness_hidden(network, 0.5F); /* 1 / (1 + e^(-2 · 0.5 z)) */
    fann_set_activation_steepness_output(network, 0.5F);
    fann_set_training_algorithm(network, FANN_TRAIN_INCREMENTAL);
    fann_set_train_error_function(network, FANN_ERRORFUNC_LINEAR);
    fann_set_learning_rate(network, rate);

    const unsigned inputs = widths[0], outputs = widths[layers - 1];
    float *X = taken(numbers, sizeof *X, (size_t)rows * inputs);
    float *D = taken(numbers, sizeof *D, (size_t)rows * outputs);
    const unsigned connections = fann_get_total_connections(network);
    float *weights = taken(numbers, sizeof *weights, connections);
    int *order = taken(numbers, sizeof *order, (size_t)rows * epochs);
    double *curve = malloc(sizeof *curve * epochs);
    if (curve == NULL) return 2;
    struct fann_connection *at = malloc(sizeof *at * connections);
    if (at == NULL) return 2;
    fann_get_connection_array(network, at);
    for (unsigned c = 0; c < connections; ++c) at[c].weight = weights[c];
    fann_set_weight_array(network, at, connections);

    const double began = now(CLOCK_MONOTONIC), began_cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned e = 0; e < epochs; ++e) {
        fann_reset_MSE(network);
        for (unsigned i = 0; i < rows; ++i) {
            const size_t row = (size_t)order[(size_t)e * rows + i];
            fann_train(network, X + row * inputs, D + row * outputs);
        }
        curve[e] = fann_get_MSE(network);
    }
    const double seconds = now(CLOCK_MONOTONIC) - began;
    const double cpu = now(CLOCK_PROCESS_CPUTIME_ID) - began_cpu;

    fann_get_connection_array(network, at);
    for (unsigned c = 0; c < connections; ++c) weights[c] = at[c].weight;
    FILE *result = fopen(argv[3], "wb");
    if (result == NULL || fwrite(weights, sizeof *weights, connections, result) != connections) return 2;
    fclose(result);
    printf("{\"seconds\": %.9f, \"cpu_seconds\": %.9f, \"curve\": [", seconds, cpu);
    for (unsigned e = 0; e < epochs; ++e) printf("%s%.9g", e ? ", " : "", curve[e]);
    printf("]}\n");
    return 0;
}
