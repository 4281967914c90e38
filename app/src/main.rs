//! Mounts the page.

fn main() {
    console_error_panic_hook::set_once();
    app::platform::media::end_prelude();
    leptos::mount::mount_to_body(app::page::Page);
}
