//! Codes of CUDA errors: which of them end all work on a GPU in this process.

/// Errors after which every further call of the process fails with the same code, as the reference of the CUDA
/// runtime API says of each ("the process must be terminated and relaunched"); and those of a device that is gone.
const LASTING: [i32; 17] = [
    214, // cudaErrorECCUncorrectable
    220, // cudaErrorNvlinkUncorrectable
    226, // cudaErrorContained
    700, // cudaErrorIllegalAddress
    702, // cudaErrorLaunchTimeout
    709, // cudaErrorContextIsDestroyed
    710, // cudaErrorAssert
    714, // cudaErrorHardwareStackError
    715, // cudaErrorIllegalInstruction
    716, // cudaErrorMisalignedAddress
    717, // cudaErrorInvalidAddressSpace
    718, // cudaErrorInvalidPc
    719, // cudaErrorLaunchFailure
    721, // cudaErrorTensorMemoryLeak
    810, // cudaErrorMpsClientTerminated
    911, // cudaErrorExternalDevice
    999, // cudaErrorUnknown
];

/// `true` if nothing can run on the device in this process any more.
pub(super) fn is_lasting(code: i32) -> bool {
    LASTING.contains(&code)
}

/// The code of a lasting error that a message of ONNX Runtime names.
///
/// ONNX Runtime has no codes of its own for these; it writes "CUDA failure 700: an illegal memory access ...".
pub(crate) fn lasting_code(message: &str) -> Option<i32> {
    ["CUDA failure ", "CUDA error "]
        .iter()
        .flat_map(|words| message.match_indices(words))
        .filter_map(|(at, words)| {
            let digits = message[at + words.len()..]
                .split(|c: char| !c.is_ascii_digit())
                .next()?;
            digits.parse().ok()
        })
        .find(|code| is_lasting(*code))
}

/// A message of ONNX Runtime about CUDA without the signatures of C++, paths and names of machines in it: the operator,
/// and what failed. Other messages stay as they are.
pub(crate) fn essence(message: &str) -> String {
    const FAILURES: [&str; 6] = [
        "CUDA failure ",
        "CUBLAS failure ",
        "CUDNN failure ",
        "CUDNN_FE failure ",
        "CURAND failure ",
        "Available memory of ",
    ];
    let first = FAILURES
        .iter()
        .filter_map(|words| message.find(words))
        .min();
    let Some(first) = first else {
        return message.trim_end().into();
    };
    let failure = message[first..].lines().next().unwrap_or_default();
    let failure = failure
        .split(" ; GPU=")
        .next()
        .unwrap_or_default()
        .trim_end();
    match message.find(" Status Message: ") {
        Some(at) if at < first => format!("{}: {failure}", message[..at].trim_end_matches('.')),
        _ => failure.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_told_without_what_only_its_makers_understand() {
        let raw = "Non-zero status code returned while running Conv node. Name:'stem/Conv' Status Message: /src/cuda_call.cc:154 std::conditional_t<THRW> onnxruntime::CudaCall(ERRTYPE) [with THRW = true] CUDNN_FE failure 7: GRAPH_EXECUTION_FAILED ; GPU=0 ; hostname=somewhere ; file=/src/conv.cc ; line=484 ; expr=execute();\nmore";
        assert_eq!(
            essence(raw),
            "Non-zero status code returned while running Conv node. Name:'stem/Conv': CUDNN_FE failure 7: GRAPH_EXECUTION_FAILED"
        );
        let arena = "/src/bfc_arena.cc:360 void* AllocateRawInternal(size_t) Available memory of 5 is smaller than requested bytes of 9";
        assert_eq!(
            essence(arena),
            "Available memory of 5 is smaller than requested bytes of 9"
        );
        let other = "Got invalid dimensions for input: image\n index: 2";
        assert_eq!(essence(other), other);
    }

    #[test]
    fn errors_that_end_a_device_are_told_from_those_that_do_not() {
        let message = |code: &str| {
            format!(
                "Non-zero status code returned while running MatMul node. CUDA failure {code}: words ; GPU=0 ; line=700"
            )
        };
        assert_eq!(lasting_code(&message("700")), Some(700));
        assert_eq!(lasting_code(&message("719")), Some(719));
        // Out of memory, an invalid argument, a capture that failed.
        for passing in ["2", "1", "901", "7000"] {
            assert_eq!(lasting_code(&message(passing)), None, "{passing}");
        }
        assert_eq!(lasting_code("CUDA error 702"), Some(702));
        assert_eq!(lasting_code("size 700 is wrong"), None);
        assert_eq!(
            lasting_code("CUDA failure 2: out of memory; then CUDA failure 716: misaligned"),
            Some(716)
        );
    }
}
