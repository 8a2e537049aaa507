#!/usr/bin/env python3
"""Writes golden/*.safetensors, what the parity tests hold the library against; pack.py tells what is in them.

    python3 make.py      with PyTorch 1.13, as in Debian 12: apt install python3-torch

The files are committed, so that the tests need no Python. Another machine's libraries may round the last
digits otherwise; the tests allow 1e-9 of the largest number. Left out are dropout in training, whose random
numbers are not PyTorch's, and queries that may attend to nothing, for which PyTorch gives NaN.
"""
import attention
import hugging_face_gpt2
import hugging_face_bert
import layers
import models_gpt
import models_bert
import models_lm
import models_seq2seq
import models_transformer
import models_vision
import models_words
import optimisers
import recurrent

layers.make()
recurrent.make()
attention.make()
optimisers.make()
hugging_face_gpt2.make()
models_gpt.make()
hugging_face_bert.make()
models_bert.make()
models_lm.make()
models_seq2seq.make()
models_transformer.make()
models_vision.make()
models_words.make()
