//! One graphics device and what has gone wrong with it.

use std::sync::{Arc, Mutex, PoisonError};

use super::adapter;
use crate::error::Error;

/// A device, its queue, and the first fault that they reported. Clones share all three.
#[derive(Clone)]
pub struct GpuDevice {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    description: Arc<str>,
    software: bool,
    faults: Faults,
}

/// The first fault, or a later loss of the device (which outranks the rest: only it can be cured by reopening).
#[derive(Clone, Default)]
struct Faults(Arc<Mutex<Option<Error>>>);

impl Faults {
    fn record(&self, error: Error) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = |error: &Error| matches!(error, Error::DeviceLost { .. });
        if slot.is_none() || (lost(&error) && !slot.as_ref().is_some_and(lost)) {
            *slot = Some(error);
        }
    }

    fn first(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl GpuDevice {
    /// Asks for an adapter and for a device with all that the adapter allows.
    ///
    /// # Errors
    /// [`Error::NoWebGpu`], [`Error::NoAdapter`] or [`Error::NoDevice`].
    pub async fn open() -> Result<Self, Error> {
        if let Some(reason) = adapter::missing_api() {
            return Err(Error::NoWebGpu { reason: reason.to_owned() });
        }
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = instance
            .request_adapter(&options)
            .await
            .map_err(|_| Error::NoAdapter { reason: adapter::NONE_OFFERED.to_owned() })?;
        let (device, queue) = adapter
            .request_device(&wgpu::DeviceDescriptor {
                label: Some("unmask"),
                required_limits: adapter.limits(),
                ..Default::default()
            })
            .await
            .map_err(|error| Error::NoDevice { reason: error.to_string() })?;
        Ok(Self::watch(&adapter.get_info(), device, queue))
    }

    fn watch(info: &wgpu::AdapterInfo, device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let faults = Faults::default();
        let lost = faults.clone();
        device.set_device_lost_callback(move |reason, message| {
            let reason = if message.is_empty() { format!("{reason:?}").to_lowercase() } else { message };
            lost.record(Error::DeviceLost { reason });
        });
        let uncaptured = faults.clone();
        device.on_uncaptured_error(Arc::new(move |error| uncaptured.record(refused(error))));
        let adapter = adapter::describe(info, &device);
        Self { device, queue, description: adapter.description.into(), software: adapter.software, faults }
    }

    /// The adapter in words: name, driver, vendor, architecture, as far as the platform tells.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether the adapter computes on the CPU.
    pub fn is_software(&self) -> bool {
        self.software
    }

    /// Limits granted: the adapter's own.
    pub fn limits(&self) -> wgpu::Limits {
        self.device.limits()
    }

    /// Destroys the device, as a driver reset would; every later call answers [`Error::DeviceLost`].
    pub fn destroy(&self) {
        self.faults.record(Error::DeviceLost { reason: "destroyed on request".to_owned() });
        self.device.destroy();
    }

    /// The fault recorded so far, as an error.
    ///
    /// # Errors
    /// [`Error::DeviceLost`], [`Error::OutOfMemory`] or [`Error::Refused`].
    pub fn check(&self) -> Result<(), Error> {
        self.faults.first().map_or(Ok(()), Err)
    }

    /// Checks that one buffer of `bytes` can be made and bound as a whole.
    ///
    /// # Errors
    /// [`Error::LimitTooSmall`].
    pub(super) fn check_size(&self, bytes: u64) -> Result<(), Error> {
        let limits = self.device.limits();
        let pairs = [
            ("maxStorageBufferBindingSize", limits.max_storage_buffer_binding_size),
            ("maxBufferSize", limits.max_buffer_size),
        ];
        match pairs.into_iter().find(|(_, found)| *found < bytes) {
            Some((limit, found)) => Err(Error::LimitTooSmall { limit: limit.into(), found, expected: bytes }),
            None => Ok(()),
        }
    }

    /// Waits natively until the submitted work is done; on the web the browser does the waiting.
    pub(super) fn wait(&self) -> Result<(), Error> {
        match self.device.poll(wgpu::PollType::wait_indefinitely()) {
            Ok(_) => Ok(()),
            Err(error) => self.check().and(Err(Error::DeviceLost { reason: error.to_string() })),
        }
    }
}

/// An error of the graphics interface in our words.
pub(super) fn refused(error: wgpu::Error) -> Error {
    match error {
        wgpu::Error::OutOfMemory { source } => Error::OutOfMemory { reason: source.to_string() },
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
            Error::Refused { reason: description }
        }
    }
}
