//! ALBERT (`modeling_albert.py` of transformers 5): BERT whose layers share their weights, with narrow embeddings.
//!
//! Groups of layers have weights of their own; a group's layers are one module, called again and again. transformers
//! checkpoints none of it: a checkpointed block here is one call of a group.

use super::bert::Bert;
use super::config::{Activation, RATE, TURNS, WIDTH, config};
use super::decoder::blocks;
use super::encoder::{Classifier, Encoder, Names};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, Linear, Mask, Shape, Softmax, Tensor};

config! {
    /// Fields of `AlbertConfig`.
    Albert {
        embedding_size: u64 = 128, WIDTH, "Width of the embeddings";
        num_hidden_groups: u64 = 1, TURNS, "Groups that share weights";
        inner_group_num: u64 = 1, TURNS, "Layers in a group";
        ..bert: Bert {
            hidden_size = 4_096;
            intermediate_size = 16_384;
            num_attention_heads = 64;
            vocab_size = 30_000;
            hidden_act = Activation::GeluNew as u64;
            hidden_dropout_prob = 0;
            attention_probs_dropout_prob = 0;
        }
        classifier_dropout_prob: Decimal = 100_000, RATE, "Classifier dropout";
    }
}

impl Albert {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let Bert { hidden_size: output, num_hidden_layers: layers, .. } = self.bert;
        let (field, groups) = ("num_hidden_groups", self.num_hidden_groups);
        if groups > layers {
            return Err(ConfigError::OutOfRange { field, given: groups, limits: 1..=layers });
        }
        let names = Names { up: "ffn", down: "ffn_output", pooler: "pooler", ..Names::BERT };
        let classifier = Classifier::Pooler(self.classifier_dropout_prob);
        let network = Encoder { embedding: self.embedding_size, names, classifier, ..self.bert.encoder() };
        network.lower_with(b, request, &mut |b, embedded| {
            // The model's frame holds what it embedded until it returns.
            b.local(embedded);
            let mask = network.mask(b, request, embedded);
            let name = "embedding_hidden_mapping_in";
            let mut x = b.linear(embedded, Linear { name, input: self.embedding_size, output, bias: true });
            // Layer i is of group ⌊i · groups / layers⌋.
            let first_of = |group: u64| (group * layers).div_ceil(groups);
            for group in 0..groups {
                let mut weights = Vec::new();
                // Autocast's copies of shared adapters are kept for backward from the first layer on whose input has a
                // gradient: the second.
                b.settled_from = 2;
                x = blocks(b, request, first_of(group + 1) - first_of(group), x, |b, x| {
                    b.sharing(&mut weights, |b| self.group(b, x, mask))
                });
            }
            x
        })
    }

    /// The layers of a group, one after the other.
    fn group(&self, b: &mut Builder, x: Tensor, mask: Mask) -> Tensor {
        (0..self.inner_group_num).fold(x, |x, _| b.module("layer", &[x], |b| self.layer(b, x, mask)))
    }

    fn layer(&self, b: &mut Builder, x: Tensor, mask: Mask) -> Tensor {
        let Bert { hidden_size: hidden, intermediate_size: intermediate, num_attention_heads: heads, .. } = self.bert;
        let attended = b.module("attention", &[x], |b| {
            let [query, key, value] = ["query", "key", "value"].map(|name| {
                let projected = b.linear(x, Linear { name, input: hidden, output: hidden, bias: true });
                let [_, batch, length, _] = projected.shape.0;
                let shape = Shape([batch, heads, length, hidden / heads]);
                let split = b.split_heads(projected, shape, heads, mask, name == "key");
                b.local(split)
            });
            let context = b.attend(AttentionCall {
                query,
                key,
                value,
                mask,
                dropout: self.bert.attention_probs_dropout_prob,
                softmax: Softmax::Own,
                softcap: false,
                projected: true,
            });
            let out = b.linear(context, Linear { name: "dense", input: hidden, output: hidden, bias: true });
            let out = b.dropout(out, self.bert.hidden_dropout_prob);
            b.local(out);
            let sum = b.add(x, out);
            b.layer_norm_module(sum, true)
        });
        b.local(attended);
        b.hold_attention_weights();
        let up = b.linear(attended, Linear { name: "ffn", input: hidden, output: intermediate, bias: true });
        let active = b.activation(self.bert.hidden_act, up);
        let out = b.linear(active, Linear { name: "ffn_output", input: intermediate, output: hidden, bias: true });
        b.local(out);
        let sum = b.add(out, attended);
        b.layer_norm_module(sum, true)
    }
}
