//! Every unsafe call of the crate: what libbpf-rs does not offer.
//!
//! What must hold: each function is safe to call with any arguments of its
//! types; each `unsafe` says why.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::NonNull;

use libbpf_rs::{AsRawLibbpf, Object, OpenObject};

use crate::messages;

/// Log buffers of the programs of one object, in the order of the programs.
///
/// Bytes of each: the most that kernels before 6.4 accept
/// (kernel/bpf/verifier.c, `bpf_verifier_log_attr_valid`: UINT_MAX >> 8).
/// The memory is zero pages until the kernel writes to it.
const LOG_BYTES: usize = (u32::MAX >> 8) as usize;

/// What a load left behind for one program.
pub(crate) struct ProgramLog {
    /// Name of the C function.
    pub(crate) program: String,
    /// The verifier's log, empty unless the program was refused.
    pub(crate) log: String,
}

/// Loads an object whose programs are configured. On failure the logs of all
/// programs that are to be loaded come with the kernel's answer.
pub(crate) fn load(mut open: OpenObject) -> Result<Object, (io::Error, Vec<ProgramLog>)> {
    let mut buffers: Vec<(String, Vec<u8>)> = Vec::new();
    for program in open.progs_mut().filter(|program| program.autoload()) {
        let mut buffer = vec![0_u8; LOG_BYTES];
        // SAFETY: the program is alive. The buffer lives until this function
        // returns and its memory does not move when the vector does; libbpf
        // uses it in `bpf_object_load_prog` only, that is in the load below.
        let code = unsafe {
            libbpf_sys::bpf_program__set_log_buf(
                program.as_libbpf_object().as_ptr(),
                buffer.as_mut_ptr().cast::<c_char>(),
                buffer.len() as libbpf_sys::size_t,
            )
        };
        assert!(code == 0, "a log buffer below INT_MAX bytes is accepted before loading");
        buffers.push((program.name().to_string_lossy().into_owned(), buffer));
    }
    // SAFETY: the object is open and not loaded.
    let code = unsafe { libbpf_sys::bpf_object__load(open.as_libbpf_object().as_ptr()) };
    let result = check(code);
    if let Err(source) = result {
        drop(open);
        let logs = buffers
            .into_iter()
            .map(|(program, buffer)| ProgramLog { program, log: text_of(&buffer) })
            .collect();
        return Err((source, logs));
    }
    let pointer = open.take_ptr();
    // SAFETY: the pointer is that of an object just loaded, owned by no one.
    Ok(unsafe { Object::from_ptr(pointer) })
}

/// A log up to its first NUL.
fn text_of(buffer: &[u8]) -> String {
    let text = CStr::from_bytes_until_nul(buffer).map_or(buffer, CStr::to_bytes);
    String::from_utf8_lossy(text).into_owned()
}

/// A libbpf return code, which is 0 or more or a negated errno.
fn check(code: i32) -> io::Result<i32> {
    if code < 0 { Err(io::Error::from_raw_os_error(-code)) } else { Ok(code) }
}

/// A libbpf return code that is a new file descriptor.
fn descriptor(code: i32) -> io::Result<OwnedFd> {
    let fd = check(code)?;
    // SAFETY: libbpf made the descriptor for the caller.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A path as the kernel wants it.
fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from)
}

/// What the kernel says of a program, without its instructions.
pub(crate) fn program_info(program: BorrowedFd<'_>) -> io::Result<libbpf_sys::bpf_prog_info> {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut bytes = mem::size_of_val(&info) as u32;
    // SAFETY: `info` is writable for `bytes` bytes, and asks for no arrays.
    check(unsafe {
        libbpf_sys::bpf_prog_get_info_by_fd(program.as_raw_fd(), &raw mut info, &raw mut bytes)
    })?;
    Ok(info)
}

/// Ids of the maps that a program holds.
pub(crate) fn program_map_ids(program: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    let count = program_info(program)?.nr_map_ids;
    let mut ids = vec![0_u32; count as usize];
    let mut info = libbpf_sys::bpf_prog_info {
        nr_map_ids: count,
        map_ids: ids.as_mut_ptr() as u64,
        ..Default::default()
    };
    let mut bytes = mem::size_of_val(&info) as u32;
    // SAFETY: `info` is writable for `bytes` bytes, and the kernel writes no more than
    // `count` ids to `ids`.
    check(unsafe {
        libbpf_sys::bpf_prog_get_info_by_fd(program.as_raw_fd(), &raw mut info, &raw mut bytes)
    })?;
    // A program may hold more by now, never fewer.
    Ok(ids)
}

/// Outcome of a test run.
pub(crate) struct RawTestRun {
    pub(crate) return_value: u32,
    pub(crate) nanoseconds: u32,
    pub(crate) data_bytes: usize,
}

/// Runs a program `repeat` times on `data` and writes the packet as it is
/// after the last run to `data_out`.
pub(crate) fn test_run(
    program: BorrowedFd<'_>,
    data: &[u8],
    data_out: &mut [u8],
    repeat: u32,
) -> io::Result<RawTestRun> {
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let mut options = libbpf_sys::bpf_test_run_opts {
        sz: mem::size_of::<libbpf_sys::bpf_test_run_opts>() as libbpf_sys::size_t,
        data_in: data.as_ptr().cast(),
        data_size_in: u32::try_from(data.len()).map_err(too_long)?,
        data_out: data_out.as_mut_ptr().cast(),
        data_size_out: u32::try_from(data_out.len()).map_err(too_long)?,
        repeat: i32::try_from(repeat).map_err(too_long)?,
        ..Default::default()
    };
    // SAFETY: the descriptor is open; the buffers have the sizes given and are
    // alive; libbpf writes no more than `data_size_out` bytes.
    check(unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_raw_fd(), &raw mut options) })?;
    Ok(RawTestRun {
        return_value: options.retval,
        nanoseconds: options.duration,
        data_bytes: options.data_size_out as usize,
    })
}

/// Creates an XDP link; `flags` is one of `XDP_FLAGS_*_MODE` or 0.
pub(crate) fn create_xdp_link(
    program: BorrowedFd<'_>,
    interface_index: i32,
    flags: u32,
) -> io::Result<OwnedFd> {
    let options = libbpf_sys::bpf_link_create_opts {
        sz: mem::size_of::<libbpf_sys::bpf_link_create_opts>() as libbpf_sys::size_t,
        flags,
        ..Default::default()
    };
    // SAFETY: the descriptor is open, the options are initialised and alive.
    descriptor(unsafe {
        libbpf_sys::bpf_link_create(
            program.as_raw_fd(),
            interface_index,
            libbpf_sys::BPF_XDP,
            &raw const options,
        )
    })
}

/// Tries to attach a program without a link, as links do not tell why the kernel
/// refuses: libbpf prints the words of the kernel, and takes the program off again if
/// there was nothing to refuse.
pub(crate) fn try_xdp(program: BorrowedFd<'_>, interface_index: i32, mode: u32) {
    let flags = mode | libbpf_sys::XDP_FLAGS_UPDATE_IF_NOEXIST;
    let fd = program.as_raw_fd();
    let options = libbpf_sys::bpf_xdp_attach_opts {
        sz: mem::size_of::<libbpf_sys::bpf_xdp_attach_opts>() as libbpf_sys::size_t,
        old_prog_fd: fd,
        ..Default::default()
    };
    // SAFETY: the descriptor is open; null options mean none; the options given are
    // initialised and alive.
    unsafe {
        if libbpf_sys::bpf_xdp_attach(interface_index, fd, flags, std::ptr::null()) == 0 {
            libbpf_sys::bpf_xdp_detach(interface_index, mode, &raw const options);
        }
    }
}

/// Detaches a link for good, whoever else holds it.
pub(crate) fn detach_link(link: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the descriptor is open.
    check(unsafe { libbpf_sys::bpf_link_detach(link.as_raw_fd()) }).map(drop)
}

/// Exchanges the program of a link, if it is still `old`.
pub(crate) fn update_link(
    link: BorrowedFd<'_>,
    new: BorrowedFd<'_>,
    old: BorrowedFd<'_>,
) -> io::Result<()> {
    let options = libbpf_sys::bpf_link_update_opts {
        sz: mem::size_of::<libbpf_sys::bpf_link_update_opts>() as libbpf_sys::size_t,
        flags: libbpf_sys::BPF_F_REPLACE,
        old_prog_fd: old.as_raw_fd().unsigned_abs(),
        ..Default::default()
    };
    // SAFETY: the descriptors are open, the options are initialised and alive.
    check(unsafe {
        libbpf_sys::bpf_link_update(link.as_raw_fd(), new.as_raw_fd(), &raw const options)
    })
    .map(drop)
}

/// Program id and interface index of an XDP link; index 0 once the interface
/// is gone or the link is detached.
pub(crate) fn xdp_link_info(link: BorrowedFd<'_>) -> io::Result<(u32, u32)> {
    let mut info = libbpf_sys::bpf_link_info::default();
    let mut bytes = mem::size_of_val(&info) as u32;
    // SAFETY: `info` is writable for `bytes` bytes.
    check(unsafe {
        libbpf_sys::bpf_link_get_info_by_fd(link.as_raw_fd(), &raw mut info, &raw mut bytes)
    })?;
    if info.type_ != libbpf_sys::BPF_LINK_TYPE_XDP {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: the type says which member of the union the kernel has filled,
    // and every bit pattern is a valid u32.
    Ok((info.prog_id, unsafe { info.__bindgen_anon_1.xdp.ifindex }))
}

/// Ids of the XDP programs of an interface, 0 where there is none.
pub(crate) struct XdpPrograms {
    pub(crate) native: u32,
    pub(crate) generic: u32,
}

/// Asks rtnetlink for the XDP programs of an interface of this network namespace.
pub(crate) fn xdp_programs(interface_index: u32) -> io::Result<XdpPrograms> {
    let index = i32::try_from(interface_index).map_err(|_| io::ErrorKind::InvalidInput)?;
    if index == 0 {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut options = libbpf_sys::bpf_xdp_query_opts {
        sz: mem::size_of::<libbpf_sys::bpf_xdp_query_opts>() as libbpf_sys::size_t,
        ..Default::default()
    };
    // SAFETY: the options are initialised, writable and alive.
    check(unsafe { libbpf_sys::bpf_xdp_query(index, 0, &raw mut options) })?;
    Ok(XdpPrograms { native: options.drv_prog_id, generic: options.skb_prog_id })
}

/// The program with an id; ENOENT if there is none.
pub(crate) fn program_by_id(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: the call touches no memory.
    descriptor(unsafe { libbpf_sys::bpf_prog_get_fd_by_id(id) })
}

/// The link with an id; ENOENT if there is none.
pub(crate) fn link_by_id(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: the call touches no memory.
    descriptor(unsafe { libbpf_sys::bpf_link_get_fd_by_id(id) })
}

/// The least id of a link that is greater.
pub(crate) fn next_link_id(id: u32) -> io::Result<Option<u32>> {
    let mut next = 0;
    // SAFETY: `next` is writable.
    match check(unsafe { libbpf_sys::bpf_link_get_next_id(id, &raw mut next) }) {
        Ok(_) => Ok(Some(next)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Index and name of every interface of this network namespace.
pub(crate) fn interfaces() -> io::Result<Vec<(u32, String)>> {
    // SAFETY: the call takes nothing.
    let list = unsafe { libc::if_nameindex() };
    if list.is_null() {
        return Err(io::Error::last_os_error());
    }
    let mut found = Vec::new();
    let mut entry = list;
    loop {
        // SAFETY: the list ends with an entry of index 0, where the loop ends.
        let (index, name) = unsafe { ((*entry).if_index, (*entry).if_name) };
        if index == 0 || name.is_null() {
            break;
        }
        // SAFETY: the name ends in NUL and lives until the list is freed.
        let name = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
        found.push((index, name));
        // SAFETY: this was not the last entry.
        entry = unsafe { entry.add(1) };
    }
    // SAFETY: the list is that of if_nameindex, and not used any more.
    unsafe { libc::if_freenameindex(list) };
    Ok(found)
}

unsafe extern "C" {
    /// vsnprintf(3). `va_list` is a pointer as an argument, or passed by one,
    /// in the C calling conventions of Linux.
    fn vsnprintf(
        text: *mut c_char,
        bytes: libc::size_t,
        format: *const c_char,
        arguments: *mut c_void,
    ) -> c_int;
}

/// Gives the warnings of libbpf to [`messages::keep`]. (The print function of
/// libbpf-rs 0.27 panics inside of C where a message is not UTF-8, and names
/// in an object may be any bytes.)
pub(crate) fn keep_warnings() {
    type Print = extern "C" fn(libbpf_sys::libbpf_print_level, *const c_char, *mut c_void) -> c_int;
    let print: Print = keep_warning;
    // SAFETY: the function has the type that libbpf calls but for the name of
    // `va_list`, which is another on each architecture.
    unsafe {
        let print = mem::transmute::<Print, libbpf_sys::libbpf_print_fn_t>(print);
        libbpf_sys::libbpf_set_print(print);
    }
}

extern "C" fn keep_warning(
    level: libbpf_sys::libbpf_print_level,
    format: *const c_char,
    arguments: *mut c_void,
) -> c_int {
    if level == libbpf_sys::LIBBPF_WARN {
        let mut text = vec![0_u8; messages::KEPT_BYTES_MAX];
        // SAFETY: no more than `text` has bytes are written; format and
        // arguments are those of libbpf and used once.
        let bytes = unsafe { vsnprintf(text.as_mut_ptr().cast(), text.len(), format, arguments) };
        // What does not fit is a verifier's log, which is kept elsewhere.
        if usize::try_from(bytes).is_ok_and(|bytes| bytes < text.len()) {
            messages::keep(&text_of(&text));
        }
    }
    0
}

/// Pins a program, map or link.
pub(crate) fn pin(object: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: the descriptor is open, the path ends in NUL.
    check(unsafe { libbpf_sys::bpf_obj_pin(object.as_raw_fd(), path.as_ptr()) }).map(drop)
}

/// Opens what is pinned at a path.
pub(crate) fn open_pin(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    // SAFETY: the path ends in NUL.
    descriptor(unsafe { libbpf_sys::bpf_obj_get(path.as_ptr()) })
}

/// Waits for the lock of a file or directory, which goes when it is closed.
pub(crate) fn lock(file: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open; the call touches no memory.
    match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Fails with EACCES or EROFS where nothing can be written to a directory.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: the path ends in NUL.
    match unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK, libc::AT_EACCESS) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether a path that exists is on a BPF file system.
pub(crate) fn is_bpf_file_system(path: &Path) -> io::Result<bool> {
    let path = c_path(path)?;
    let mut status = mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the path ends in NUL; `status` is writable.
    if unsafe { libc::statfs(path.as_ptr(), status.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeros are a valid statfs, and the kernel has filled it.
    let found = unsafe { status.assume_init() }.f_type;
    Ok(found == libc::BPF_FS_MAGIC)
}

/// Loads the smallest XDP program there is and lets it go.
pub(crate) fn load_trivial_program() -> io::Result<()> {
    // r0 = XDP_PASS; exit
    let mut pass = libbpf_sys::bpf_insn { code: 0xb7, imm: 2, ..Default::default() };
    pass.set_dst_reg(0);
    let exit = libbpf_sys::bpf_insn { code: 0x95, ..Default::default() };
    let instructions = [pass, exit];
    // SAFETY: the strings end in NUL, the instructions are alive, and null
    // options mean none.
    descriptor(unsafe {
        libbpf_sys::bpf_prog_load(
            libbpf_sys::BPF_PROG_TYPE_XDP,
            c"skxc_probe".as_ptr(),
            c"GPL".as_ptr(),
            instructions.as_ptr(),
            instructions.len() as libbpf_sys::size_t,
            std::ptr::null_mut(),
        )
    })
    .map(drop)
}

/// An object as libbpf's linker writes it, with nothing to link it to.
/// (The wrapper in libbpf-rs 0.27 asserts that errno is positive and so panics
/// where the linker refuses.)
pub(crate) fn link_alone(object: &[u8]) -> io::Result<Vec<u8>> {
    let mut file = memory_file()?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let path = c_path(Path::new(&path))?;
    // SAFETY: the path ends in NUL; null options mean none.
    let linker = unsafe { libbpf_sys::bpf_linker__new(path.as_ptr(), std::ptr::null_mut()) };
    if linker.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the linker is alive; the bytes are only read, and not beyond the
    // length given, whatever they are.
    let result = check(unsafe {
        libbpf_sys::bpf_linker__add_buf(
            linker,
            object.as_ptr().cast_mut().cast(),
            object.len() as libbpf_sys::size_t,
            std::ptr::null(),
        )
    })
    // SAFETY: the linker is alive and has taken an object.
    .and_then(|_| check(unsafe { libbpf_sys::bpf_linker__finalize(linker) }));
    // SAFETY: the linker is ours and not used any more.
    unsafe { libbpf_sys::bpf_linker__free(linker) };
    result?;
    let mut linked = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut linked)?;
    Ok(linked)
}

/// A file that is memory only and goes when it is closed.
fn memory_file() -> io::Result<File> {
    // SAFETY: the name ends in NUL.
    let fd = unsafe { libc::memfd_create(c"skxc".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made the descriptor for us.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// The index of an interface in this network namespace.
pub(crate) fn interface_index(name: &str) -> io::Result<u32> {
    let name = CString::new(name).map_err(io::Error::from)?;
    // SAFETY: the name ends in NUL.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// The MTU in bytes of an interface of this network namespace.
pub(crate) fn interface_mtu(name: &str) -> io::Result<u32> {
    let mut request = interface_request(name)?;
    // SAFETY: the kernel reads the name and writes the MTU, both in `request`.
    unsafe { interface_ioctl(libc::SIOCGIFMTU, &mut request)? };
    // SAFETY: SIOCGIFMTU has filled this member, a plain number.
    Ok(unsafe { request.ifr_ifru.ifru_mtu }.unsigned_abs())
}

/// The name of the interface with an index in this network namespace.
pub(crate) fn interface_name(index: u32) -> io::Result<String> {
    let mut name = [0_u8; libc::IF_NAMESIZE];
    // SAFETY: `name` has the IF_NAMESIZE bytes that the call may write.
    let pointer = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast::<c_char>()) };
    if pointer.is_null() {
        return Err(io::Error::last_os_error());
    }
    Ok(text_of(&name))
}

/// The type of the hardware of an interface, one of ARPHRD_*.
pub(crate) fn hardware_type(name: &str) -> io::Result<u16> {
    let mut request = interface_request(name)?;
    // SAFETY: the kernel reads the name and writes the address, both in `request`.
    unsafe { interface_ioctl(libc::SIOCGIFHWADDR, &mut request)? };
    // SAFETY: SIOCGIFHWADDR has filled this member, of plain numbers.
    Ok(unsafe { request.ifr_ifru.ifru_hwaddr }.sa_family)
}

/// `struct ethtool_value` (include/uapi/linux/ethtool.h).
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// What an ethtool command of that form answers.
pub(crate) fn ethtool_value(name: &str, command: u32) -> io::Result<u32> {
    let mut value = EthtoolValue { command, data: 0 };
    let mut request = interface_request(name)?;
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: commands that answer with a number read and write a struct
    // ethtool_value, which lives through the call.
    unsafe { interface_ioctl(libc::SIOCETHTOOL, &mut request)? };
    Ok(value.data)
}

/// The start of `struct ethtool_drvinfo`, and as many bytes as it has.
#[repr(C)]
struct EthtoolDriver {
    command: u32,
    driver: [u8; 32],
    rest: [u8; 160],
}

/// The name of the driver of an interface.
pub(crate) fn ethtool_driver(name: &str) -> io::Result<String> {
    const ETHTOOL_GDRVINFO: u32 = 3;
    let mut answer = EthtoolDriver { command: ETHTOOL_GDRVINFO, driver: [0; 32], rest: [0; 160] };
    let mut request = interface_request(name)?;
    request.ifr_ifru.ifru_data = (&raw mut answer).cast();
    // SAFETY: the command reads and writes a struct ethtool_drvinfo of 196 bytes,
    // which `answer` has and which lives through the call.
    unsafe { interface_ioctl(libc::SIOCETHTOOL, &mut request)? };
    Ok(text_of(&answer.driver))
}

/// A request about an interface, with everything else 0.
fn interface_request(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: zeros are a valid ifreq: numbers and a null pointer.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as c_char;
    }
    Ok(request)
}

/// # Safety
/// The request must be one that `code` takes, and what it points to must be alive.
unsafe fn interface_ioctl(code: libc::c_ulong, request: &mut libc::ifreq) -> io::Result<()> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    // SAFETY: makes a socket and touches no memory.
    let fd = unsafe { libc::socket(libc::AF_INET, kind, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made the descriptor for us.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: by the contract of this function.
    match unsafe { libc::ioctl(socket.as_raw_fd(), code as _, &raw mut *request) } {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The values of an array map with BPF_F_MMAPABLE as memory shared with the
/// kernel. Only copies go in and out: no reference into it is ever made, since
/// a program may write at any time.
#[derive(Debug)]
pub(crate) struct SharedMemory {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory belongs to the mapping, which no thread owns; all access
// is by copies through `&self` or `&mut self`.
unsafe impl Send for SharedMemory {}

impl SharedMemory {
    /// Maps the first `bytes` bytes of the values of `map`.
    pub(crate) fn new(map: BorrowedFd<'_>, bytes: usize) -> io::Result<SharedMemory> {
        // SAFETY: a mapping at an address that the kernel chooses touches no
        // memory of ours; the kernel checks the length against the map.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                map.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast::<u8>()).expect("mmap maps nothing at address 0");
        Ok(SharedMemory { start, bytes })
    }

    /// Copies `data` to `offset`.
    ///
    /// # Panics
    /// If it does not fit.
    pub(crate) fn write(&mut self, offset: usize, data: &[u8]) {
        self.assert_inside(offset, data.len());
        // SAFETY: inside the mapping, checked above; `data` is memory of ours,
        // which the mapping does not overlap.
        unsafe {
            std::ptr::copy_nonoverlapping(
                data.as_ptr(),
                self.start.as_ptr().add(offset),
                data.len(),
            );
        }
    }

    /// Copies from `offset` into `data`.
    ///
    /// # Panics
    /// If that is not inside.
    pub(crate) fn read(&self, offset: usize, data: &mut [u8]) {
        self.assert_inside(offset, data.len());
        // SAFETY: as in `write`.
        unsafe {
            std::ptr::copy_nonoverlapping(
                self.start.as_ptr().add(offset),
                data.as_mut_ptr(),
                data.len(),
            );
        }
    }

    fn assert_inside(&self, offset: usize, bytes: usize) {
        let inside = offset.checked_add(bytes).is_some_and(|end| end <= self.bytes);
        assert!(inside, "{bytes} bytes at {offset} lie within the mapping");
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and no reference into it exists.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}
