// Everything a program needs: #include <gradus/gradus.h>.
#pragma once

#include <gradus/autograd/anomaly.h>
#include <gradus/autograd/engine.h>
#include <gradus/autograd/explain.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/gradcheck.h>
#include <gradus/autograd/ops/attention.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/conv.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/norm.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/autograd/ops/sort.h>
#include <gradus/autograd/scope.h>
#include <gradus/core/allocator.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>
#include <gradus/core/print.h>
#include <gradus/core/random.h>
#include <gradus/core/tensor.h>
