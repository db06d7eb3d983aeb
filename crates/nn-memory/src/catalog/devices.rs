//! Devices a job can be held against: the memory each is sold with and the memory its driver reports.
//!
//! **Reported** is the total a program's tools see, and what a job must fit in:
//!
//! * NVIDIA: `Total` of `nvidia-smi`, in MiB.
//! * AMD: `VRAM Total Memory` of `rocm-smi`, in bytes, or the memory pool that `rocminfo` lists.
//! * Apple: `recommendedMaxWorkingSetSize` of Metal, the most the GPU should hold of the memory it
//!   shares with the processor.
//!
//! **Advertised** is what the name says. Vendors write GB and mean GiB, on GDDR as on HBM: every card
//! below reports more than its name in units of 10^9 bytes and at most its name in units of 2^30 (an
//! A100 80 GB reports 81,920 MiB, exactly 80 GiB). A Mac sold with 128 GB has 128 GiB. So the column
//! is in GiB.
//!
//! Why the two differ:
//!
//! * *ECC.* GDDR has no room of its own for check bits, so with ECC on they take a sixteenth: of
//!   48 GiB an L40S reports 46,068 MiB (15/16, less 12 MiB). HBM stores them beside the data and
//!   gives up nothing for them. Each row is for the ECC state in which its source was read; a
//!   comment says which where GDDR can have it on or off.
//! * *Firmware.* Some memory is held back before the driver counts: 12 MiB of an RTX 4090, 161 MiB of
//!   an RTX 5090, 361 MiB of an H100.
//! * *Driver version.* Current NVIDIA branches count what the driver itself reserves in the total
//!   (434 of 16,376 MiB on an RTX 4080 SUPER, branch 595). Branch 470 did not: a V100 32 GB reported
//!   32,510 MiB then and reports 32,768 MiB now. The rows hold the newer figures, so a program can
//!   allocate a few hundred MiB less: that belongs to the context and the margin.
//! * *Unified memory.* macOS keeps a part for itself. The limit follows the size of the memory and
//!   the version of macOS, not the chip, and an administrator can move it (`iogpu.wired_limit_mb`).
//!   The rows hold the default of current releases; macOS 15 gave less.
//!
//! **Multiprocessors** are those of NVIDIA's architecture whitepapers: GP100 (P100), GV100 (V100), GA100 (A100), GA102
//! (RTX 3090, A40), GH100 (H100 SXM; an H200 has the same GPU), AD102 (RTX 4090) and RTX Blackwell (RTX 5090). Of the other
//! GeForce and RTX cards, A10, L4, L40S and T4, NVIDIA's data sheets give CUDA cores, of which GA10x, Ada and Blackwell have
//! 128 in each, Turing 64. The B200's 148 are from
//! <https://chipsandcheese.com/p/nvidias-b200-keeping-the-cuda-juggernaut>. The threads that each holds follow from the
//! compute capability (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"): 2,048, but 1,024 of
//! 7.5 and 1,536 of 8.6, 8.9 and 12.0.

use crate::Bytes;

/// A device whose memory a job can be held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Stable id, used in links: lower case, digits and hyphens, such as `rtx-4090-24gb`.
    pub id: &'static str,
    /// Name as sold, such as `RTX 4090 24 GB`.
    pub name: &'static str,
    /// Memory as advertised. The vendors' "GB" are GiB.
    pub advertised: Bytes,
    /// Memory the driver reports to programs.
    pub reported: Bytes,
    /// What runs its threads, where that is known of a CUDA device.
    pub multiprocessors: Option<Multiprocessors>,
    /// What PyTorch sets aside for cuBLAS, or hipBLAS, in each thread that multiplies.
    pub cublas_workspace: Bytes,
    /// Where the reported figure was read.
    pub source: &'static str,
}

/// The multiprocessors of a CUDA device: kernels that share out a sum among blocks of threads make as many blocks as the
/// device can run at once, and keep a part of the sum for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiprocessors {
    /// How many there are.
    pub count: u64,
    /// Threads that each can hold.
    pub threads: u64,
}

/// What runs PyTorch's kernels on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// NVIDIA's.
    Cuda,
    /// AMD's, under the same names in PyTorch.
    Rocm,
    /// Apple's.
    Metal,
}

impl Device {
    /// What runs PyTorch's kernels on it, as its id begins.
    pub fn platform(&self) -> Platform {
        if self.id.starts_with("apple-") {
            Platform::Metal
        } else if self.id.starts_with("mi") {
            Platform::Rocm
        } else {
            Platform::Cuda
        }
    }
}

impl Multiprocessors {
    /// Those of an H100 or H200, which stand in for unknown ones.
    pub const HOPPER: Self = Self { count: 132, threads: 2_048 };
}

const fn cuda(count: u64, threads: u64) -> Option<Multiprocessors> {
    Some(Multiprocessors { count, threads })
}

// `parseChosenWorkspaceSize` in PyTorch's `aten/src/ATen/cuda/CublasHandlePool.cpp`: 32 MiB of compute capability 9, 10 and
// 12, 4,096 KiB × 2 + 16 KiB × 8 of earlier ones; with ROCm 128 MiB of gfx94x (MI300), 32 MiB of others.
const HOPPER: Bytes = Bytes::mib(32);
const EARLIER: Bytes = Bytes::kib(4_096 * 2 + 16 * 8);
const ROCM: Bytes = Bytes::mib(32);
const MI300: Bytes = Bytes::mib(128);
const NO_CUBLAS: Bytes = Bytes::ZERO;

/// The devices, by reported memory and then by id.
#[rustfmt::skip]
pub const DEVICES: &[Device] = &[
    Device { id: "rtx-4060-8gb",        name: "RTX 4060 8 GB",                 advertised: Bytes::gib(8),   reported: Bytes::mib(8_188),   multiprocessors: cuda(24, 1_536),  cublas_workspace: EARLIER,   source: "https://github.com/HawaiiBeach/TinyNvidiaUpdateChecker/issues/263" },
    // 11.84 GiB, read on an M3; 12,713,115,648 bytes in full. macOS 15 gave 10,922 MiB.
    Device { id: "apple-16gb",          name: "Apple M-series 16 GB",          advertised: Bytes::gib(16),  reported: Bytes::mib(12_124),  multiprocessors: None,             cublas_workspace: NO_CUBLAS, source: "https://github.com/AlexsJones/llmfit/pull/754" },
    Device { id: "rtx-5070-12gb",       name: "RTX 5070 12 GB",                advertised: Bytes::gib(12),  reported: Bytes::mib(12_227),  multiprocessors: cuda(48, 1_536),  cublas_workspace: HOPPER,    source: "https://github.com/shkhln/libc6-shim/issues/14" },
    Device { id: "rtx-4070-12gb",       name: "RTX 4070 12 GB",                advertised: Bytes::gib(12),  reported: Bytes::mib(12_282),  multiprocessors: cuda(46, 1_536),  cublas_workspace: EARLIER,   source: "https://github.com/Frogging-Family/nvidia-all/pull/212" },
    Device { id: "rtx-3060-12gb",       name: "RTX 3060 12 GB",                advertised: Bytes::gib(12),  reported: Bytes::mib(12_288),  multiprocessors: cuda(28, 1_536),  cublas_workspace: EARLIER,   source: "https://github.com/geerlingguy/raspberry-pi-pcie-devices/issues/790" },
    // ECC on.
    Device { id: "t4-16gb",             name: "T4 16 GB",                      advertised: Bytes::gib(16),  reported: Bytes::mib(15_360),  multiprocessors: cuda(40, 1_024),  cublas_workspace: EARLIER,   source: "https://github.com/modal-labs/modal-client/pull/2797" },
    Device { id: "rtx-4080-super-16gb", name: "RTX 4080 SUPER 16 GB",          advertised: Bytes::gib(16),  reported: Bytes::mib(16_376),  multiprocessors: cuda(80, 1_536),  cublas_workspace: EARLIER,   source: "https://github.com/utkuozdemir/nvidia_gpu_exporter/blob/0eee0d3187e2f014f1ba6736fd729a195e13a8c8/internal/captures/linux-x86_64__nvidia-geforce-rtx-4080-super__595.71.05.txt" },
    Device { id: "rtx-4060-ti-16gb",    name: "RTX 4060 Ti 16 GB",             advertised: Bytes::gib(16),  reported: Bytes::mib(16_380),  multiprocessors: cuda(34, 1_536),  cublas_workspace: EARLIER,   source: "https://github.com/thamada/nvidia-smi/blob/03fbe6e68c0bb4c28b72d5da786a9712a33cf408/nvsim/RTX4060Ti_smi.py" },
    Device { id: "p100-16gb",           name: "P100 16 GB",                    advertised: Bytes::gib(16),  reported: Bytes::mib(16_384),  multiprocessors: cuda(56, 2_048),  cublas_workspace: EARLIER,   source: "https://github.com/wookayin/gpustat/issues/130" },
    Device { id: "v100-16gb",           name: "V100 16 GB",                    advertised: Bytes::gib(16),  reported: Bytes::mib(16_384),  multiprocessors: cuda(80, 2_048),  cublas_workspace: EARLIER,   source: "https://github.com/1CatAI/1Cat-vLLM/issues/85" },
    // ECC on. The A10G reports the same (vllm-project/vllm issue 9373).
    Device { id: "a10-24gb",            name: "A10 24 GB",                     advertised: Bytes::gib(24),  reported: Bytes::mib(23_028),  multiprocessors: cuda(72, 1_536),  cublas_workspace: EARLIER,   source: "https://github.com/modal-labs/modal-client/pull/2797" },
    // ECC on.
    Device { id: "l4-24gb",             name: "L4 24 GB",                      advertised: Bytes::gib(24),  reported: Bytes::mib(23_034),  multiprocessors: cuda(58, 1_536),  cublas_workspace: EARLIER,   source: "https://github.com/modal-labs/modal-client/pull/2797" },
    // ECC off.
    Device { id: "rtx-4090-24gb",       name: "RTX 4090 24 GB",                advertised: Bytes::gib(24),  reported: Bytes::mib(24_564),  multiprocessors: cuda(128, 1_536), cublas_workspace: EARLIER,   source: "https://github.com/RLinf/RLinf/issues/255" },
    // Branch 595.
    Device { id: "rtx-3090-24gb",       name: "RTX 3090 24 GB",                advertised: Bytes::gib(24),  reported: Bytes::mib(24_576),  multiprocessors: cuda(82, 1_536),  cublas_workspace: EARLIER,   source: "https://github.com/noonghunna/club-3090/issues/1128" },
    Device { id: "rtx-5090-32gb",       name: "RTX 5090 32 GB",                advertised: Bytes::gib(32),  reported: Bytes::mib(32_607),  multiprocessors: cuda(170, 1_536), cublas_workspace: HOPPER,    source: "https://github.com/noonghunna/club-3090/issues/617" },
    // Branch 525. Branch 470 reported 32,510 MiB (ollama/ollama issue 11599).
    Device { id: "v100-32gb",           name: "V100 32 GB",                    advertised: Bytes::gib(32),  reported: Bytes::mib(32_768),  multiprocessors: cuda(80, 2_048),  cublas_workspace: EARLIER,   source: "https://github.com/Wan-Video/Wan2.1/issues/5" },
    // Branch 580, SXM.
    Device { id: "a100-40gb",           name: "A100 40 GB",                    advertised: Bytes::gib(40),  reported: Bytes::mib(40_960),  multiprocessors: cuda(108, 2_048), cublas_workspace: EARLIER,   source: "https://github.com/bottlerocket-os/bottlerocket-core-kit/pull/834" },
    // ECC on.
    Device { id: "a40-48gb",            name: "A40 48 GB",                     advertised: Bytes::gib(48),  reported: Bytes::mib(46_068),  multiprocessors: cuda(84, 1_536),  cublas_workspace: EARLIER,   source: "https://github.com/thamada/nvidia-smi/blob/5f6b772848f86e938c96cb7b6ff46d11f4957cba/nvsim/A40x10_smi.py" },
    // ECC on.
    Device { id: "l40s-48gb",           name: "L40S 48 GB",                    advertised: Bytes::gib(48),  reported: Bytes::mib(46_068),  multiprocessors: cuda(142, 1_536), cublas_workspace: EARLIER,   source: "https://github.com/modal-labs/modal-client/pull/2797" },
    // ECC off; with ECC on expect what the L40S reports.
    Device { id: "rtx-6000-ada-48gb",   name: "RTX 6000 Ada 48 GB",            advertised: Bytes::gib(48),  reported: Bytes::mib(49_140),  multiprocessors: cuda(142, 1_536), cublas_workspace: EARLIER,   source: "https://github.com/thamada/nvidia-smi/blob/b09ef139265ffc7e3c78006346981de8e4d70499/gls/RTX6000Ada_x8_smi.py" },
    // Each die is a device of its own; the pool of 67,092,480 KiB that rocminfo lists.
    Device { id: "mi250-die-64gb",      name: "MI250 64 GB (one of two dies)", advertised: Bytes::gib(64),  reported: Bytes::mib(65_520),  multiprocessors: None,             cublas_workspace: ROCM,      source: "https://github.com/ROCm/rocm_smi_lib/issues/160" },
    // SXM.
    Device { id: "h100-80gb",           name: "H100 80 GB",                    advertised: Bytes::gib(80),  reported: Bytes::mib(81_559),  multiprocessors: cuda(132, 2_048), cublas_workspace: HOPPER,    source: "https://github.com/NVIDIA/nccl/issues/1264" },
    Device { id: "a100-80gb",           name: "A100 80 GB",                    advertised: Bytes::gib(80),  reported: Bytes::mib(81_920),  multiprocessors: cuda(108, 2_048), cublas_workspace: EARLIER,   source: "https://github.com/modal-labs/modal-client/pull/2797" },
    Device { id: "h100-nvl-94gb",       name: "H100 NVL 94 GB",                advertised: Bytes::gib(94),  reported: Bytes::mib(95_830),  multiprocessors: None,             cublas_workspace: HOPPER,    source: "https://github.com/thamada/nvidia-smi/blob/198aebb60732de6969556867659756f4685637c2/nvsim/H100NVLx2_smi.py" },
    // The GPU's own memory; the processor's 480 GB are not counted.
    Device { id: "gh200-96gb",          name: "GH200 96 GB",                   advertised: Bytes::gib(96),  reported: Bytes::mib(97_871),  multiprocessors: None,             cublas_workspace: HOPPER,    source: "https://github.com/hu-po/warp-ik/blob/14c393b40927aff428f87a2d5ab649765d2a157e/docs/specs/arm-gh200.md" },
    // ECC off.
    Device { id: "rtx-pro-6000-96gb",   name: "RTX PRO 6000 Blackwell 96 GB",  advertised: Bytes::gib(96),  reported: Bytes::mib(97_887),  multiprocessors: cuda(188, 1_536), cublas_workspace: HOPPER,    source: "https://github.com/vllm-project/vllm/issues/27542" },
    // 107.52 GiB on macOS 26; older releases gave 98,304 MiB.
    Device { id: "apple-128gb",         name: "Apple M-series 128 GB",         advertised: Bytes::gib(128), reported: Bytes::mib(110_100), multiprocessors: None,             cublas_workspace: NO_CUBLAS, source: "https://github.com/antirez/ds4/pull/893" },
    Device { id: "h200-141gb",          name: "H200 141 GB",                   advertised: Bytes::gib(141), reported: Bytes::mib(143_771), multiprocessors: cuda(132, 2_048), cublas_workspace: HOPPER,    source: "https://github.com/sgl-project/sglang/issues/3196" },
    // Sold as 180 GB; some sheets give a theoretical 192 GB.
    Device { id: "b200-180gb",          name: "B200 180 GB",                   advertised: Bytes::gib(180), reported: Bytes::mib(183_359), multiprocessors: cuda(148, 2_048), cublas_workspace: HOPPER,    source: "https://github.com/NVIDIA/TensorRT-LLM/issues/10278" },
    // rocm-smi: 206,141,652,992 bytes, unpartitioned.
    Device { id: "mi300x-192gb",        name: "MI300X 192 GB",                 advertised: Bytes::gib(192), reported: Bytes::mib(196_592), multiprocessors: None,             cublas_workspace: MI300,     source: "https://github.com/ROCm/legacy-rocm-build/issues/4750" },
    // Read with `iogpu.wired_limit_mb` at 0, the default.
    Device { id: "apple-256gb",         name: "Apple M3 Ultra 256 GB",         advertised: Bytes::gib(256), reported: Bytes::mib(228_065), multiprocessors: None,             cublas_workspace: NO_CUBLAS, source: "https://github.com/mindmonkey-ai/chekov/blob/589c6353299de05d1f75c569d0894505194e69a1/CHANGELOG.md" },
];

/// The device with this id.
pub fn device(id: &str) -> Option<&'static Device> {
    DEVICES.iter().find(|device| device.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique() {
        for (index, device) in DEVICES.iter().enumerate() {
            assert!(DEVICES[..index].iter().all(|earlier| earlier.id != device.id), "{} stands twice", device.id);
        }
    }

    #[test]
    fn ids_are_fit_for_a_link() {
        for device in DEVICES {
            assert!(
                !device.id.is_empty() && device.id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')),
                "{:?}",
                device.id
            );
        }
    }

    #[test]
    fn no_device_reports_more_than_is_advertised() {
        for device in DEVICES {
            assert!(device.reported > Bytes::ZERO, "{}", device.id);
            assert!(device.reported <= device.advertised, "{}", device.id);
        }
    }

    #[test]
    fn devices_are_sorted_by_reported_memory_and_id() {
        assert!(DEVICES.is_sorted_by_key(|device| (device.reported, device.id)));
    }

    #[test]
    fn every_row_has_a_source() {
        for device in DEVICES {
            assert!(device.source.starts_with("https://"), "{}", device.id);
        }
    }

    #[test]
    fn multiprocessors_are_told_of_cuda_devices_alone() {
        for Device { id, multiprocessors, cublas_workspace, .. } in DEVICES {
            if let Some(Multiprocessors { count, threads }) = multiprocessors {
                assert!((1..=1_000).contains(count) && [1_024, 1_536, 2_048].contains(threads), "{id}");
            }
            let apple = id.starts_with("apple");
            assert_eq!(*cublas_workspace == Bytes::ZERO, apple, "{id}");
            assert_eq!(device(id).map(|device| device.platform() == Platform::Metal), Some(apple), "{id}");
            assert!(!apple && !id.starts_with("mi") || multiprocessors.is_none(), "{id}");
        }
    }

    #[test]
    fn ids_that_links_use_are_found() {
        for id in ["rtx-3060-12gb", "rtx-4090-24gb", "h100-80gb", "a100-80gb", "a100-40gb", "t4-16gb"] {
            assert_eq!(device(id).map(|device| device.id), Some(id));
        }
        assert_eq!(device("abacus"), None);
    }
}
