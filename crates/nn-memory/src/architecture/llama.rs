//! Llama (`modeling_llama.py` of transformers 5).

use super::config::{ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, VOCABULARY, WIDTH, config, optional};
use super::decoder::{
    alternating_blocks, blocks, divisible, embed, embedded, even, evenly_divisible, language_head, tokens,
};
use super::positions::rotary_table_in;
use super::{ConfigError, Pass, Request};
use crate::program::{AttentionCall, Builder, Cache, ElementType, Experts, Linear, Mask, Shape, Softmax, Tensor};
use crate::{Checkpointing, Decimal};

config! {
    /// Fields of `LlamaConfig`.
    Llama {
        hidden_size: u64 = 4_096, WIDTH, "Hidden size";
        intermediate_size: u64 = 11_008, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 32, LAYERS, "Layers";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 0, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 0, optional(1_000_000), "Head size";
        vocab_size: u64 = 32_000, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 2_048, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        attention_bias: bool = 0, FLAG, "Attention bias";
        mlp_bias: bool = 0, FLAG, "MLP bias";
    }
}

/// How hidden states are normalized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Norm {
    /// Llama's RMSNorm.
    Rms,
    /// Gemma's RMSNorm.
    Gemma,
    /// OLMo's layer norm without weights.
    Plain,
    /// OLMo 2's RMSNorm.
    Olmo2,
    /// Cohere's layer norm.
    Cohere,
}

/// Where the norms of a block stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Norms {
    /// Before attention and MLP.
    Before,
    /// After them, before the residual.
    After,
    /// Both.
    Around,
}

/// How queries and keys are normalized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueryKeyNorm {
    /// Not at all.
    None,
    /// By head, queries before keys are projected.
    Heads,
    /// By head, once queries, keys and values are projected.
    ProjectedHeads,
    /// All heads together.
    Whole,
}

/// In which types positions turn queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rotary {
    /// That of the hidden states.
    Typed,
    /// The tables stay in FP32.
    WideTables,
    /// Queries and keys are widened to FP32 first.
    Wide,
    /// That of the hidden states, and only so many of a head's first elements are turned.
    Part(u64),
    /// Positions turn nothing.
    None,
}

/// A block of the Llama kind: RMSNorm, rotary attention over grouped heads, gated MLP.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) hidden: u64,
    pub(super) heads: u64,
    pub(super) kv_heads: u64,
    pub(super) head_dim: u64,
    pub(super) intermediate: u64,
    pub(super) activation: Activation,
    pub(super) qkv_bias: bool,
    pub(super) output_bias: bool,
    pub(super) mlp_bias: bool,
    pub(super) query_key_norm: QueryKeyNorm,
    pub(super) attention_dropout: Decimal,
    /// Of what attention and MLP return.
    pub(super) residual_dropout: Decimal,
    pub(super) norm: Norm,
    pub(super) norms: Norms,
    pub(super) rotary: Rotary,
    /// Whether attention and MLP both work on the block's one norm.
    pub(super) parallel: bool,
    /// Whether queries, keys and values are clamped.
    pub(super) clamped: bool,
    /// Tokens that each sees, itself among them.
    pub(super) window: Option<u64>,
    /// Whether what a residual is given is multiplied by a number.
    pub(super) scaled_residual: bool,
    /// Whether scores are capped where attention is written out.
    pub(super) softcap: bool,
    /// Whether queries grow with their position, as those of Llama 4 do.
    pub(super) scaled_queries: bool,
    /// Experts in place of the MLP.
    pub(super) experts: Option<Experts>,
    /// The intermediate size of an MLP that all tokens pass beside the experts.
    pub(super) shared_expert: Option<u64>,
}

impl Block {
    /// Llama's own, without what later families add.
    pub(super) const fn llama(hidden: u64, heads: u64, kv_heads: u64, head_dim: u64, intermediate: u64) -> Self {
        Self {
            hidden,
            heads,
            kv_heads,
            head_dim,
            intermediate,
            activation: Activation::Silu,
            qkv_bias: false,
            output_bias: false,
            mlp_bias: false,
            query_key_norm: QueryKeyNorm::None,
            attention_dropout: Decimal::whole(0),
            residual_dropout: Decimal::whole(0),
            norm: Norm::Rms,
            norms: Norms::Before,
            rotary: Rotary::Typed,
            parallel: false,
            clamped: false,
            window: None,
            scaled_residual: false,
            softcap: false,
            scaled_queries: false,
            experts: None,
            shared_expert: None,
        }
    }
}

/// Queries' heads, keys' heads and the size of each, told by the fields that families share.
pub(super) fn grouped_heads(
    hidden: u64,
    heads: u64,
    kv_heads: Option<u64>,
    head_dim: Option<u64>,
) -> Result<(u64, u64), ConfigError> {
    let kv_heads = kv_heads.unwrap_or(heads);
    divisible("num_attention_heads", heads, "num_key_value_heads", kv_heads)?;
    let head_dim = match head_dim {
        Some(size) => even("head_dim", size).map(|()| size),
        None => evenly_divisible("hidden_size", hidden, "num_attention_heads", heads),
    }?;
    Ok((kv_heads, head_dim))
}

impl Llama {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let block = self.block()?;
        model(b, request, &block, self.num_hidden_layers, self.vocab_size, self.tie_word_embeddings);
        Ok(())
    }

    pub(super) fn block(&self) -> Result<Block, ConfigError> {
        let (kv_heads, head_dim) =
            grouped_heads(self.hidden_size, self.num_attention_heads, self.num_key_value_heads, self.head_dim)?;
        Ok(Block {
            activation: self.hidden_act,
            qkv_bias: self.attention_bias,
            output_bias: self.attention_bias,
            mlp_bias: self.mlp_bias,
            ..Block::llama(self.hidden_size, self.num_attention_heads, kv_heads, head_dim, self.intermediate_size)
        })
    }
}

/// The whole model around blocks of the Llama kind.
pub(super) fn model(b: &mut Builder, request: &Request, block: &Block, layers: u64, vocabulary: u64, tied: bool) {
    model_with_windows(b, request, block, layers, vocabulary, tied, 0);
}

/// The same where the first `windowless` layers have no sliding window.
pub(super) fn model_with_windows(
    b: &mut Builder,
    request: &Request,
    block: &Block,
    layers: u64,
    vocabulary: u64,
    tied: bool,
    windowless: u64,
) {
    let ids = tokens(b, request);
    let table = b.parameter("embed_tokens", Shape::matrix(vocabulary, block.hidden), 2);
    let hidden = b.module("embeddings", &[], |b| {
        let tokens = b.embedding(ids, table);
        embedded(b, request, tokens)
    });
    // The model's frame holds what it embedded until it returns.
    let hidden = b.module("", &[hidden], |b| {
        let full = (windowless > 0).then(|| causal_mask(b, request, hidden, None));
        let mask = causal_mask(b, request, hidden, block.window);
        block.rotary_table(b, request, hidden);
        let mut hidden = hidden;
        if let Some(full) = full {
            let first = Block { window: None, ..*block };
            hidden = blocks(b, request, windowless.min(layers), hidden, |b, x| first.lower(b, request, x, full));
        }
        if layers > windowless {
            hidden = blocks(b, request, layers - windowless, hidden, |b, x| block.lower(b, request, x, mask));
        }
        block.norm(b, hidden)
    });
    language_head(b, request, hidden, tied.then_some(table), vocabulary, |_, logits| logits);
}

/// The same where kinds of blocks take turns, each with its window or without; `tables` of positions.
pub(super) fn model_in_turn(
    b: &mut Builder,
    request: &Request,
    kinds: &[Block],
    layers: u64,
    (vocabulary, tied): (u64, bool),
    tables: usize,
) {
    let (table, hidden) = embed(b, request, "embed_tokens", vocabulary, kinds[0].hidden);
    let hidden = trunk(b, request, hidden, kinds, layers, tables);
    language_head(b, request, hidden, tied.then_some(table), vocabulary, |_, logits| logits);
}

/// From what is embedded to the last norm: blocks whose kinds take turns, the masks they need, `tables` of positions.
pub(super) fn trunk(
    b: &mut Builder,
    request: &Request,
    embedded: Tensor,
    kinds: &[Block],
    layers: u64,
    tables: usize,
) -> Tensor {
    let first = kinds[0];
    // The model's frame holds what it embedded until it returns.
    b.module("", &[embedded], |b| {
        let full = causal_mask(b, request, embedded, None);
        let window = kinds.iter().find_map(|kind| kind.window);
        let sliding = window.map_or(full, |window| causal_mask(b, request, embedded, Some(window)));
        for _ in 0..tables {
            first.rotary_table(b, request, embedded);
        }
        let hidden = alternating_blocks(b, request, layers, kinds.len() as u64, embedded, |b, x, place| {
            let kind = usize::try_from(place).ok().and_then(|place| kinds.get(place)).unwrap_or(&first);
            kind.lower(b, request, x, if kind.window.is_some() { sliding } else { full })
        });
        first.norm(b, hidden)
    })
}

/// The mask that transformers builds: none where the kernel knows that attention is causal.
pub(super) fn causal_mask(b: &mut Builder, request: &Request, hidden: Tensor, window: Option<u64>) -> Mask {
    // Samples share one mask where none is padded.
    mask_of(b, request, hidden, window, request.run.padding)
}

/// The same where each token sees those of its chunk. Chunks begin where a sample does, so that each has a mask of its own.
pub(super) fn chunked_mask(b: &mut Builder, request: &Request, hidden: Tensor, chunk: u64) -> Mask {
    mask_of(b, request, hidden, Some(chunk), true)
}

fn mask_of(b: &mut Builder, request: &Request, hidden: Tensor, window: Option<u64>, of_each_sample: bool) -> Mask {
    let [_, batch, length, _] = hidden.shape.0;
    let eager = request.run.attention == crate::Attention::Eager;
    let seen = request.positions();
    // Of keys in the cache, a window has as many as it is long.
    let there = if request.pass == Pass::Decode { window.map_or(seen, |window| seen.min(window)) } else { seen };
    let windowed = window.is_some_and(|window| window <= there);
    if !(eager || request.run.padding || windowed) {
        return if request.pass == Pass::Decode { Mask::Full } else { Mask::Causal };
    }
    let samples = of_each_sample.then_some(batch);
    let seen = seen_positions(b, samples, [length, there], windowed);
    let mask = if eager { added_to_scores(b, seen, Shape([batch, 1, length, there]), hidden.element) } else { seen };
    hold_for_blocks(b, request, mask);
    Mask::Tensor(mask)
}

/// Which positions each token sees: earlier ones, in a window those of it, of padded samples those that are no padding. Each
/// condition is a tensor, and what holds of all so far another (`masking_utils.py`).
pub(super) fn seen_positions(
    b: &mut Builder,
    padded: Option<u64>,
    [length, there]: [u64; 2],
    windowed: bool,
) -> Tensor {
    let make = |b: &mut Builder, label, samples| b.make(label, Shape([samples, 1, length, there]), ElementType::Byte);
    if !windowed && padded.is_none() {
        return make(b, "earlier", 1);
    }
    let joined = |b: &mut Builder, label| {
        let condition = make(b, label, 1);
        let all = make(b, "and", 1);
        b.release(condition);
        all
    };
    let mut seen = joined(b, if windowed { "window" } else { "earlier" });
    if windowed {
        let before = std::mem::replace(&mut seen, joined(b, "earlier"));
        b.release(before);
    }
    if let Some(samples) = padded {
        let before = std::mem::replace(&mut seen, make(b, "and", samples));
        b.release(before);
    }
    seen
}

/// What attention that is written out adds to its scores, made of which positions are seen: `eager_mask`.
pub(super) fn added_to_scores(b: &mut Builder, seen: Tensor, shape: Shape, element: ElementType) -> Tensor {
    let added = b.make("where", shape, element);
    b.release(seen);
    added
}

/// The model's frame holds what it gives to all blocks until it returns, a mask or a table; checkpointed blocks hold it
/// until their backward.
pub(super) fn hold_for_blocks(b: &mut Builder, request: &Request, given: Tensor) {
    if request.pass.trains() && request.run.checkpointing != Checkpointing::None {
        b.give_to_checkpoints(given);
    }
    b.local(given);
}

impl Block {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> Tensor {
        let normal = self.norm_before(b, x);
        let attended = b.module("self_attn", &[normal], |b| self.attention(b, request, normal, mask));
        b.hold_attention_weights();
        if self.parallel {
            b.local(normal);
            b.local(attended);
            let out = self.gated_mlp(b, normal, self.intermediate);
            let sum = b.add(x, attended);
            return b.add(sum, out);
        }
        let x = self.residual(b, x, attended);
        b.local(x);
        let normal = self.norm_before(b, x);
        let out = match self.experts {
            None => self.gated_mlp(b, normal, self.intermediate),
            Some(experts) => b.module("mlp", &[normal], |b| self.mixture(b, normal, experts)),
        };
        self.residual(b, x, out)
    }

    /// A turn of blocks of this kind, the last of the other.
    pub(super) fn before(self, last: Self, turn: u64) -> Vec<Self> {
        let mut kinds = vec![self; usize::try_from(turn).map_or(0, |turn| turn.saturating_sub(1))];
        kinds.push(last);
        kinds
    }

    /// Tables of positions for what is embedded.
    pub(super) fn rotary_table(&self, b: &mut Builder, request: &Request, hidden: Tensor) {
        let element = if self.rotary == Rotary::WideTables { ElementType::Fp32 } else { hidden.element };
        let width = if let Rotary::Part(width) = self.rotary { width } else { self.head_dim };
        rotary_table_in(b, request, hidden, width, element);
    }

    fn norm_before(&self, b: &mut Builder, x: Tensor) -> Tensor {
        if self.norms == Norms::After { x } else { self.norm(b, x) }
    }

    fn residual(&self, b: &mut Builder, x: Tensor, out: Tensor) -> Tensor {
        let out = if self.norms == Norms::Before { out } else { self.norm(b, out) };
        let out = if self.scaled_residual { b.scale(out) } else { out };
        b.add(x, out)
    }

    pub(super) fn norm(&self, b: &mut Builder, x: Tensor) -> Tensor {
        match self.norm {
            Norm::Rms => b.rms_norm(x),
            Norm::Gemma => b.rms_norm_gemma(x),
            Norm::Plain => b.plain_layer_norm(x),
            Norm::Olmo2 => b.rms_norm_olmo2(x),
            Norm::Cohere => b.layer_norm_cohere(x, None),
        }
    }

    fn mixture(&self, b: &mut Builder, x: Tensor, experts: Experts) -> Tensor {
        let Some(intermediate) = self.shared_expert else { return b.experts(x, experts) };
        let shared = self.gated_mlp(b, x, intermediate);
        b.local(shared);
        let routed = b.experts(x, experts);
        b.local(routed);
        let gate = b.linear(x, Linear { name: "shared_expert_gate", input: self.hidden, output: 1, bias: false });
        let gate = b.map_saving_output("sigmoid", gate);
        let shared = b.multiply(gate, shared);
        b.add(routed, shared)
    }

    pub(super) fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> Tensor {
        let (q, k) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let query = b.linear(x, Linear { name: "q_proj", input: self.hidden, output: q, bias: self.qkv_bias });
        let query = self.projected(b, query);
        let key = b.linear(x, Linear { name: "k_proj", input: self.hidden, output: k, bias: self.qkv_bias });
        let key = self.projected(b, key);
        let value = b.linear(x, Linear { name: "v_proj", input: self.hidden, output: k, bias: self.qkv_bias });
        let [query, key, value] = if self.splits_last() {
            let [query, key, value] = [query, key, value].map(|whole| self.clamp(b, whole));
            [self.by_head(b, query), self.by_head(b, key), value]
        } else {
            [query, key, value]
        };
        let [_, batch, length, _] = value.shape.0;
        let shape = Shape([batch, self.kv_heads, length, self.head_dim]);
        let value = b.split_heads(value, shape, self.heads, mask, false);
        let [query, key] = match self.query_key_norm {
            QueryKeyNorm::ProjectedHeads => [query, key].map(|heads| self.norm_of_heads(b, heads)),
            QueryKeyNorm::None | QueryKeyNorm::Heads | QueryKeyNorm::Whole => [query, key],
        };
        let (query, key) = self.turned(b, query, key, x.element);
        let query = if self.scaled_queries { b.scaled_by_position(query) } else { query };
        let call = AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: self.attention_dropout,
            softmax: Softmax::Wide,
            softcap: self.softcap,
            // What was put together again lies in another order.
            projected: !matches!(self.rotary, Rotary::Part(_)),
        };
        let context = attend_cached(b, request, call, self.window);
        let out = b.linear(context, Linear { name: "o_proj", input: q, output: self.hidden, bias: self.output_bias });
        b.dropout(out, self.residual_dropout)
    }

    /// Queries and keys with their positions, whose tables are of type `table`; the caller's frame holds them as they
    /// were until both are turned.
    fn turned(&self, b: &mut Builder, query: Tensor, key: Tensor, table: ElementType) -> (Tensor, Tensor) {
        let element = query.element;
        b.module("", &[query, key], |b| {
            let (query, key) = match self.rotary {
                Rotary::None => return (query, key),
                Rotary::Typed => return (b.rotated(query, table), b.rotated(key, table)),
                Rotary::Part(width) => {
                    let (query, query_rest) = b.parted_heads(query, width);
                    let (key, key_rest) = b.parted_heads(key, width);
                    let [query, key] = [query, key].map(|part| b.rotated(part, table));
                    return (b.joined_heads(query, query_rest), b.joined_heads(key, key_rest));
                }
                Rotary::WideTables => (b.rotated(query, ElementType::Fp32), b.rotated(key, ElementType::Fp32)),
                Rotary::Wide => {
                    let wide = [b.to(query, ElementType::Fp32), b.to(key, ElementType::Fp32)];
                    b.module("", &wide, |b| (b.rotated(wide[0], element), b.rotated(wide[1], element)))
                }
            };
            (b.to(query, element), b.to(key, element))
        })
    }

    /// Whether queries and keys are taken apart once values are projected too.
    fn splits_last(&self) -> bool {
        self.query_key_norm == QueryKeyNorm::Whole || self.norm == Norm::Plain
    }

    /// Queries or keys as the family has them before it projects the next.
    fn projected(&self, b: &mut Builder, whole: Tensor) -> Tensor {
        match self.query_key_norm {
            QueryKeyNorm::Whole => self.norm(b, whole),
            _ if self.splits_last() => whole,
            QueryKeyNorm::None | QueryKeyNorm::ProjectedHeads => self.by_head(b, whole),
            QueryKeyNorm::Heads => {
                let heads = self.by_head(b, whole);
                self.norm_of_heads(b, heads)
            }
        }
    }

    fn by_head(&self, b: &mut Builder, whole: Tensor) -> Tensor {
        let [_, batch, length, width] = whole.shape.0;
        b.view_copied_back(whole, Shape([batch, width / self.head_dim, length, self.head_dim]))
    }

    fn norm_of_heads(&self, b: &mut Builder, heads: Tensor) -> Tensor {
        match self.norm {
            Norm::Cohere => b.layer_norm_cohere(heads, Some(heads.shape.0[1])),
            _ => self.norm(b, heads),
        }
    }

    fn clamp(&self, b: &mut Builder, projected: Tensor) -> Tensor {
        if self.clamped { b.clamp_in_place(projected) } else { projected }
    }

    pub(super) fn gated_mlp(&self, b: &mut Builder, x: Tensor, intermediate: u64) -> Tensor {
        let Self { hidden, mlp_bias: bias, .. } = *self;
        b.module("mlp", &[x], |b| {
            let gate = b.linear(x, Linear { name: "gate_proj", input: hidden, output: intermediate, bias });
            let gate = b.activation(self.activation, gate);
            let up = b.linear(x, Linear { name: "up_proj", input: hidden, output: intermediate, bias });
            let product = b.multiply(gate, up);
            let out = b.linear(product, Linear { name: "down_proj", input: intermediate, output: hidden, bias });
            b.dropout(out, self.residual_dropout)
        })
    }
}

/// Attention over earlier tokens too; queries, keys and values have names until their function returns.
pub(super) fn attend_cached(b: &mut Builder, request: &Request, call: AttentionCall, window: Option<u64>) -> Tensor {
    let (key, value) = cached(b, request, call.key, call.value, window);
    for tensor in [call.query, key, value] {
        b.local(tensor);
    }
    b.attend(AttentionCall { key, value, ..call })
}

/// Keys and values with those of earlier tokens before them, kept for later ones (`DynamicCache`).
pub(super) fn cached(
    b: &mut Builder,
    request: &Request,
    key: Tensor,
    value: Tensor,
    window: Option<u64>,
) -> (Tensor, Tensor) {
    if request.pass.trains() || !request.run.kv_cache {
        return (key, value);
    }
    let tokens = if request.pass == Pass::Decode { request.length } else { 0 };
    b.extend_cache(key, value, Cache { tokens, window })
}
