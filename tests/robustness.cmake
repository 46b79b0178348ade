# SPDX-License-Identifier: MIT
# Misuse, failures, lifetimes, threads, the pure core, and the installed package.

# The library once more, its allocations to come through the test (tests/interpose_memory.c).
add_library(clbn_for_tests SHARED $<TARGET_OBJECTS:clbn_objects>)
target_include_directories(clbn_for_tests PUBLIC ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(clbn_for_tests PUBLIC OpenCL::OpenCL PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
target_link_options(clbn_for_tests PRIVATE
    LINKER:--wrap=malloc,--wrap=calloc,--wrap=free,--wrap=pthread_mutex_init,--wrap=pthread_mutex_destroy
    LINKER:--version-script=${PROJECT_SOURCE_DIR}/host/export.map)

clbn_add_test(structs clbn_test_support)
clbn_add_test(events clbn_test_support)

# OpenCL's functions that count and fail, and what uses them.
add_library(clbn_interposer OBJECT interpose.c interpose_memory.c interpose_opencl.c next_function.c)
target_link_libraries(clbn_interposer PUBLIC clbn_test_support PRIVATE clbn_warnings)

# clbn_add_interposed_test(name sources...): test_<name>.c with sources, interposed. Its library is clbn_for_tests: of
# libclbn, which the support asks for too, nothing is left to use.
function(clbn_add_interposed_test name)
    add_executable(test_${name} test_${name}.c ${ARGN} $<TARGET_OBJECTS:clbn_interposer>)
    target_link_options(test_${name} PRIVATE LINKER:--as-needed LINKER:--export-dynamic-symbol=clSetKernelArgSVMPointer)
    target_link_libraries(test_${name} PRIVATE
        clbn_test_support clbn_for_tests clbn_check Threads::Threads ${CMAKE_DL_LIBS} clbn_warnings)
    add_test(NAME ${name} COMMAND test_${name})
endfunction()

clbn_add_interposed_test(misuse attempt.c halves.c)
clbn_add_interposed_test(misuse_calls attempt.c halves.c)
clbn_add_interposed_test(misuse_tensors attempt.c)
clbn_add_interposed_test(misuse_views attempt.c)
clbn_add_interposed_test(command_buffers attempt.c)
clbn_add_interposed_test(failures)
clbn_add_interposed_test(lifetime)
clbn_add_interposed_test(threads)
clbn_add_interposed_test(program_cache cache_files.c halves.c)
# It starts first: else it is the last to end, alone.
set_tests_properties(program_cache PROPERTIES COST 1)
add_test(NAME interposed COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_interposed.sh
    $<TARGET_FILE:clbn_for_tests> $<TARGET_FILE:test_failures>)

clbn_add_test(processes clbn_test_support)
if(BUILD_SHARED_LIBS AND NOT CLBN_SANITIZE)
    add_executable(unload unload.c)
    target_include_directories(unload PRIVATE ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(unload PRIVATE OpenCL::OpenCL Threads::Threads ${CMAKE_DL_LIBS} clbn_warnings)
    add_test(NAME unload COMMAND unload $<TARGET_FILE:clbn>)
endif()
# What implementations do wrong, without clbn: no test, since they are not ours (platforms.sh).
add_executable(platform_faults platform_faults.c)
target_link_libraries(platform_faults PRIVATE OpenCL::OpenCL clbn_warnings)
# Loaded before OpenCL's library, it makes devices smaller (platforms.sh --limited).
add_library(limited_device MODULE limited_device.c next_function.c)
target_link_libraries(limited_device PRIVATE OpenCL::OpenCL ${CMAKE_DL_LIBS} clbn_warnings)
clbn_add_test(kinds clbn_checks)
target_sources(test_kinds PRIVATE kinds.c)

# The pure core, from inside: no device is needed, and nothing of the support, whose names are the library's too.
add_library(clbn_internals STATIC $<TARGET_OBJECTS:clbn_objects>)
set_target_properties(clbn_internals PROPERTIES LINKER_LANGUAGE C)
target_include_directories(clbn_internals PUBLIC ${PROJECT_SOURCE_DIR}/host ${PROJECT_SOURCE_DIR}/kernels ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(clbn_internals PUBLIC OpenCL::OpenCL Threads::Threads ${CMAKE_DL_LIBS})
foreach(name shape strides footprint schedule divide_rows divide_columns candidates contest tuning tiling quirks)
    clbn_add_test(core_${name} clbn_internals)
    target_sources(test_core_${name} PRIVATE checks/allocate.c checks/random_numbers.c)
    target_link_libraries(test_core_${name} PRIVATE m)
endforeach()
foreach(name schedule divide_rows divide_columns candidates tiling)
    target_sources(test_core_${name} PRIVATE plan_of_work.c schedule_checks.c schedule_walk.c tiling_walk.c)
endforeach()
foreach(name cache_folder disk_cache cache_sharing)
    clbn_add_test(${name} clbn_internals)
    target_sources(test_${name} PRIVATE checks/allocate.c cache_files.c cache_text.c)
endforeach()
target_sources(test_core_tuning PRIVATE cache_files.c)
# What the disk cache calls of the C library comes through the test, to fail there.
clbn_add_test(cache_failures clbn_internals)
target_sources(test_cache_failures PRIVATE checks/allocate.c cache_files.c cache_text.c interpose_files.c)
foreach(function open openat close read write fsync fstat fstatat fstatvfs faccessat renameat unlinkat mkdir getrlimit fdopendir
    malloc)
    target_link_options(test_cache_failures PRIVATE LINKER:--wrap=${function})
endforeach()
clbn_add_test(program_key clbn_internals)
target_sources(test_program_key PRIVATE checks/allocate.c cache_files.c)
target_link_options(test_program_key PRIVATE LINKER:--wrap=clGetDeviceInfo,--wrap=clGetPlatformInfo)
clbn_add_test(device_facts clbn_internals)
target_link_options(test_device_facts PRIVATE LINKER:--wrap=clGetDeviceInfo)
clbn_add_test(variants clbn_internals)
set_tests_properties(variants PROPERTIES LABELS full)

# With the library's objects in the executable: divisions.c chooses in their inside what the tests then see outside, and lending.c
# lends their kernels. Of libclbn, which the support asks for, nothing is left to use.
foreach(name tuning past_cache kernel_objects)
    clbn_add_test(${name} clbn_test_support)
    target_sources(test_${name} PRIVATE $<TARGET_OBJECTS:clbn_objects>)
    target_link_options(test_${name} PRIVATE LINKER:--as-needed)
    target_link_libraries(test_${name} PRIVATE OpenCL::OpenCL Threads::Threads ${CMAKE_DL_LIBS})
endforeach()
target_sources(test_tuning PRIVATE divisions.c cache_files.c $<TARGET_OBJECTS:clbn_interposer>)
target_sources(test_past_cache PRIVATE divisions.c)
target_sources(test_kernel_objects PRIVATE lending.c $<TARGET_OBJECTS:clbn_interposer>)
set_source_files_properties(divisions.c lending.c PROPERTIES INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/host;${PROJECT_SOURCE_DIR}/kernels")

find_program(CLBN_MINGW x86_64-w64-mingw32-gcc)
if(CLBN_MINGW)
    add_test(NAME windows COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/windows.sh --build ${CMAKE_CURRENT_BINARY_DIR}/windows structs core_.*)
endif()

add_test(NAME licence COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_licence.sh ${PROJECT_SOURCE_DIR})
add_test(NAME rooms COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_rooms.sh ${PROJECT_SOURCE_DIR})

# The Python package, by the first Python that has what its tests need. A library with a sanitizer cannot be loaded by Python.
if(CLBN_PYTHON AND BUILD_SHARED_LIBS AND NOT CLBN_SANITIZE)
    foreach(python IN ITEMS ${Python3_EXECUTABLE} python3 /usr/bin/python3)
        execute_process(COMMAND ${python} -c "import numpy, pyopencl, pytest" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
        if(failed EQUAL 0)
            add_test(NAME python COMMAND ${python} -m pytest --quiet -p no:cacheprovider ${CMAKE_CURRENT_SOURCE_DIR}/python)
            set_tests_properties(python PROPERTIES ENVIRONMENT
                "PYTHONPATH=${CLBN_PYTHON_FOLDER};PYTHONDONTWRITEBYTECODE=1;CLBN_LIBRARY=$<TARGET_FILE:clbn>;CLBN_INCLUDE=${PROJECT_SOURCE_DIR}/include")
            set(CLBN_TEST_PYTHON ${python})
            break()
        endif()
    endforeach()
    if(NOT TEST python)
        message(STATUS "No Python with NumPy, pyopencl and pytest: the Python package is not tested")
    endif()
endif()

add_subdirectory(${PROJECT_SOURCE_DIR}/tools/examples ${PROJECT_BINARY_DIR}/tools/examples)

if(BUILD_SHARED_LIBS AND NOT CLBN_SANITIZE AND CMAKE_SIZEOF_VOID_P EQUAL 8)
    add_test(NAME abi COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/abi.sh $<TARGET_FILE:clbn> ${PROJECT_SOURCE_DIR}/include
        ${CMAKE_CURRENT_BINARY_DIR}/abi ${CMAKE_CURRENT_SOURCE_DIR}/abi.txt)
endif()

# What users get. With a sanitizer they would have to link it too. The work folder is emptied: it must be no source folder, also
# when the build is in the source.
if(BUILD_SHARED_LIBS AND NOT CLBN_SANITIZE)
    add_test(NAME consumer COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/consumer/run.sh
        ${PROJECT_SOURCE_DIR} ${CMAKE_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR}/installed-consumer ${CMAKE_COMMAND})
    find_program(CLBN_SHLIBDEPS dpkg-shlibdeps)
    if(CLBN_SHLIBDEPS AND CLBN_BUILD_TOOLS AND CLBN_GZIP)
        add_test(NAME package COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/package.sh
            ${PROJECT_SOURCE_DIR} ${CMAKE_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR}/packaged ${CMAKE_COMMAND})
    else()
        message(STATUS "No dpkg-shlibdeps: the Debian packages are not tested")
    endif()
endif()
